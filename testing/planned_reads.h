// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/mutex.h"
#include "headrace/fetch/fetcher.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::testing {

// Stores an object and plans to read all of it, its version pinned.
inline fetch::PlannedRead GivenObject(BlockingStore& store, const std::string& bucket,
                                      const std::string& key, const std::string& text) {
  const Result<PutResult> put = store.Put(bucket, key, text);
  EXPECT_THAT(put, IsOk());
  return {.bucket = bucket,
          .key = key,
          .object_size_bytes = text.size(),
          .etag = put ? put->etag : "",
          .range = {.begin = 0, .end = text.size()}};
}

// Calls `at_end`, if given, when all reads have been taken and one more is asked for.
inline fetch::ReadSource SourceOf(std::vector<fetch::PlannedRead> reads,
                                  std::function<void()> at_end = nullptr) {
  return [reads = std::move(reads), at_end = std::move(at_end),
          next = size_t{0}]() mutable -> Result<std::optional<fetch::PlannedRead>> {
    if (next == reads.size()) {
      if (at_end) at_end();
      return std::optional<fetch::PlannedRead>();
    }
    return std::optional<fetch::PlannedRead>(reads[next++]);
  };
}

// Keeps what arrives, by the number of its read. Threads: as PartSink.
class TextSink final : public fetch::PartSink {
 public:
  void OnPart(fetch::Part part) override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    std::string& text = texts_[part.read_index];
    const auto bytes = part.bytes.span();
    text.resize(std::max(text.size(), part.offset + bytes.size()));
    std::copy(
        bytes.begin(), bytes.end(),
        std::as_writable_bytes(std::span(text)).begin() + static_cast<std::ptrdiff_t>(part.offset));
  }
  void OnReadEnd(size_t read_index, Status status) override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    EXPECT_TRUE(ends_.emplace(read_index, std::move(status)).second) << "ended twice";
  }
  std::string text(size_t index) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return texts_[index];
  }
  Status end(size_t index) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return ends_.at(index);
  }
  size_t end_count() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return ends_.size();
  }

 private:
  Mutex mutex_;
  std::map<size_t, std::string> texts_ HR_GUARDED_BY(mutex_);
  std::map<size_t, Status> ends_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::testing
