// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/work_pool.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::file {

// What the three kinds of transfer share.
struct Transfer::State {
  State(ObjectStore& store_in, EventLoops& loops_in, TransferOptions options_in)
      : store(store_in),
        loops(loops_in),
        options(options_in),
        fetcher(store_in, loops_in,
                {.part_size_bytes = options_in.part_size_bytes,
                 .memory = options_in.memory,
                 .memory_bytes_max = options_in.memory_bytes_max,
                 .requests_in_flight_max = options_in.requests_in_flight_max,
                 .target_bytes_per_second = options_in.target_bytes_per_second,
                 .verify_checksums = options_in.verify_checksums}),
        upload_bytes(std::make_shared<AsyncSemaphore>(options_in.upload_memory_bytes_max)),
        upload_requests(std::make_shared<AsyncSemaphore>(options_in.upload_requests_max)),
        files(options_in.file_threads) {}

  ObjectStore& store;
  EventLoops& loops;
  const TransferOptions options;
  fetch::Fetcher fetcher;
  std::shared_ptr<AsyncSemaphore> upload_bytes;
  std::shared_ptr<AsyncSemaphore> upload_requests;
  WorkPool files;
};

// Adds up a transfer's items. Threads: all methods may be called at once from any thread.
class Tally {
 public:
  explicit Tally(TransferObserver& observer) : observer_(observer) {}

  void Done(size_t index, uint64_t size_bytes) {
    done_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
    observer_.OnItemDone(index);
  }
  void Failed(size_t index, const Error& error) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    observer_.OnItemFailed(index, error);
  }
  TransferReport Report(Status outcome) const {
    TransferReport report{.items_done = done_, .items_failed = failed_, .bytes = bytes_};
    if (!outcome) report.error = std::move(outcome).error();
    return report;
  }

 private:
  TransferObserver& observer_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<uint64_t> failed_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace headrace::file
