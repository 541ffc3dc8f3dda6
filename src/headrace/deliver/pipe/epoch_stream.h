// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/deliver/pipe/item_queue.h"
#include "headrace/deliver/pipe/pipe_item.h"
#include "headrace/fetch/ordered_reader.h"
#include "headrace/format/gzip_decoder.h"
#include "headrace/format/record_io.h"

namespace headrace::pipe {

// One epoch as the bytes its reader gets: items fetched ahead, in order, inflated and framed.
//
// Threads: Next on one thread, which is no event loop, and blocks. Lifetime: the fetcher outlives
// it. Memory: the fetcher's, 2 MiB of planned items, and with gzip 256 KiB, or, where records are
// made of what was inflated, one inflated object (a record's length stands before its bytes).
class EpochStream {
 public:
  EpochStream(fetch::Fetcher& fetcher, ItemSource items, PipeFraming framing,
              const CallContext& context);
  ~EpochStream() { queue_.Close(); }
  EpochStream(const EpochStream&) = delete;
  EpochStream& operator=(const EpochStream&) = delete;

  // The next bytes, in pieces that stay until the next call; no piece: the epoch is over. Errors
  // name the object; the stream is not used after one.
  Result<std::span<const iovec>> Next();
  // Items whose last byte Next has given.
  uint64_t items_given() const { return items_given_; }

 private:
  Result<std::optional<fetch::PlannedRead>> PlanNext();
  Status BeginItem();
  Status ContinueItem();
  void EndItem();
  // The part was used up.
  void LetPartGo();
  // The next part of the object under way into `part_` and `rest_`.
  Status FetchPart();
  Status InflatePiece();
  Status InflateRecord();
  // What the object under way inflates to next, at most as much as `target` holds; nothing: its
  // end.
  Result<size_t> Inflate(std::span<std::byte> target);
  Status BeginRecord(uint64_t size_bytes);
  void Give(std::span<const std::byte> bytes);
  std::string ShownItem() const;

  ItemSource items_;
  const PipeFraming framing_;
  ItemQueue queue_;
  fetch::OrderedReader reader_;  // Plans on a thread of its own, into the queue.

  std::optional<QueuedItem> item_;  // The one under way.
  uint64_t left_bytes_ = 0;         // Of it, as stored, not yet fetched.
  size_t padding_bytes_ = 0;        // Behind its record.
  std::string inline_bytes_;        // Of an item that was no read, given last.
  uint64_t items_given_ = 0;
  std::optional<fetch::Part> part_;
  std::span<const std::byte> rest_;  // Of the part.
  std::unique_ptr<format::GzipDecoder> decoder_;
  std::vector<std::byte> inflated_;
  std::array<std::byte, format::kRecordIoHeaderBytes> header_{};
  std::array<iovec, 3> pieces_{};
  size_t piece_count_ = 0;
};

}  // namespace headrace::pipe
