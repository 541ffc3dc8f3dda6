// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "headrace/deliver/file/transfer.h"

namespace headrace::job {

// Hears of a job's downloads, as they go: checkpoints, then File channels.
class DownloadObserver : public file::TransferObserver {
 public:
  // On the thread that runs the job, around each of the two: what is to be downloaded, without what
  // is there already. OnEnd comes after a failure, too.
  virtual void OnBegin(uint64_t objects, uint64_t bytes) = 0;
  virtual void OnEnd() = 0;
};

// Tells an observer of a download for as long as it lives.
class ObservedDownload {
 public:
  // `observer` may be null: nobody hears. It outlives this.
  ObservedDownload(DownloadObserver* observer, uint64_t objects, uint64_t bytes)
      : observer_(observer) {
    if (observer_ != nullptr) observer_->OnBegin(objects, bytes);
  }
  ~ObservedDownload() {
    if (observer_ != nullptr) observer_->OnEnd();
  }
  ObservedDownload(const ObservedDownload&) = delete;
  ObservedDownload& operator=(const ObservedDownload&) = delete;

 private:
  DownloadObserver* const observer_;
};

}  // namespace headrace::job
