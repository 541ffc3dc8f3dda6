// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::job {

// Passes on how a transfer goes and remembers its first failure.
class FirstFailure final : public file::TransferObserver {
 public:
  // `next` may be null: nobody hears more.
  explicit FirstFailure(file::TransferObserver* next = nullptr) : next_(next) {}

  void OnBytes(uint64_t size_bytes) override {
    if (next_ != nullptr) next_->OnBytes(size_bytes);
  }
  void OnItemDone(size_t index) override {
    if (next_ != nullptr) next_->OnItemDone(index);
  }
  void OnItemFailed(size_t index, const Error& error) override HR_EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      if (!first_) first_ = error;
    }
    if (next_ != nullptr) next_->OnItemFailed(index, error);
  }

  // What a transfer that ended with `report` has to say: nothing when all its items are done.
  // `attempt` names the whole.
  Status Outcome(const file::TransferReport& report, const std::string& attempt) const
      HR_EXCLUDES(mutex_);

 private:
  file::TransferObserver* next_;
  mutable Mutex mutex_;
  std::optional<Error> first_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::job
