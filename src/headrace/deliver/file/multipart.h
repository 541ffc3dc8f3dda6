// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {

// One copy request may move this much; S3's limit for CopyObject and UploadPartCopy.
inline constexpr uint64_t kCopyBytesMax = 5ULL << 30U;

// The part size for an object: the one asked for, or larger where 10,000 parts of that would not
// hold it.
uint64_t PartSizeFor(uint64_t object_size_bytes, uint64_t part_size_bytes);

// Gives the bytes of an upload. Called for several parts at once.
class PartProducer {
 public:
  virtual ~PartProducer() = default;
  virtual Task<Status> Fill(std::span<std::byte> target, uint64_t offset) = 0;
};

// Uploads an object in parts, several at once inside the transfer's limits. On failure, or when
// cancelled, the upload is aborted, so that the store keeps no stray parts.
Task<Status> UploadParts(Transfer::State& state, const CreateMultipartRequest& request,
                         uint64_t size_bytes, PartProducer& producer, TransferObserver& observer,
                         const CallContext& context);

// The same for parts that the store copies by itself.
Task<Status> CopyParts(Transfer::State& state, const CreateMultipartRequest& request,
                       const CopyItem& item, TransferObserver& observer,
                       const CallContext& context);

// Starts a task per item, as many at once as requests may be in flight, and waits for all.
// `start(item, index, done)` spawns one; `done(Status)` ends it.
template <typename Item, typename Start>
TransferReport RunItems(Transfer::State& state, ItemSource<Item> source, TransferObserver& observer,
                        const CallContext& context, const Start& start) {
  Tally tally(observer);
  const uint64_t limit = state.options.upload_requests_max;
  AsyncSemaphore running(limit);
  Status outcome = Ok();
  for (size_t index = 0;; ++index) {
    outcome = StillWanted(context);
    if (!outcome) break;
    Result<std::optional<Item>> item = source();
    if (!item) {
      outcome = std::unexpected(std::move(item).error());
      break;
    }
    if (!*item) break;
    running.TakeBlocking(1);
    const uint64_t size_bytes = (*item)->size_bytes;
    start(std::move(**item), index, [&tally, &running, index, size_bytes](const Status& ended) {
      if (ended) {
        tally.Done(index, size_bytes);
      } else {
        tally.Failed(index, ended.error());
      }
      running.Give(1);
    });
  }
  running.TakeBlocking(limit);
  return tally.Report(std::move(outcome));
}

}  // namespace headrace::file
