// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/mutex.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_limits.h"

namespace headrace::file {

struct BatchDeleteOptions {
  size_t keys_per_request = kDeleteKeyCountMax;
  // A store may delete 3,500 keys a second under one prefix; four full requests keep it busy.
  size_t requests_in_flight_max = 4;
};

// Deletes many objects of one bucket in batches, several at once.
// Threads: Add and Finish from one thread, which must not be an event loop; both block. Lifetime:
// store and loops outlive it.
class BatchDelete {
 public:
  // Told about each key once, when it is gone (`error` is null) or could not be deleted. Called
  // from event loops, several at once; must be quick.
  using OnKey = std::function<void(const std::string& key, const Error* error)>;

  BatchDelete(ObjectStore& store, EventLoops& loops, std::string bucket, OnKey on_key,
              CallContext context, BatchDeleteOptions options = {});
  // Waits for what is in flight.
  ~BatchDelete();
  BatchDelete(const BatchDelete&) = delete;
  BatchDelete& operator=(const BatchDelete&) = delete;

  void Add(std::string key) HR_EXCLUDES(mutex_);
  // Deletes what is left and waits until all is done.
  void Finish() HR_EXCLUDES(mutex_);

 private:
  void Send() HR_EXCLUDES(mutex_);
  void WaitForRoom(size_t in_flight_max) HR_EXCLUDES(mutex_);
  void OnBatchDone(const std::vector<std::string>& keys,
                   const Result<std::vector<DeleteFailure>>& result) HR_EXCLUDES(mutex_);

  ObjectStore& store_;
  EventLoops& loops_;
  const std::string bucket_;
  const OnKey on_key_;
  const CallContext context_;
  const BatchDeleteOptions options_;
  std::vector<std::string> keys_;  // Of the next batch.

  Mutex mutex_;
  CondVar batch_done_;
  size_t in_flight_ HR_GUARDED_BY(mutex_) = 0;
};

}  // namespace headrace::file
