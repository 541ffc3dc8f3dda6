// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "headrace/base/task.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::fetch {

class HandleState;
class ObjectBlocks;

// Bytes of an object, as pieces of the buffers they arrived in: nothing was copied. Holds its share
// of the memory budget until dropped. Copies share.
class ReadBytes {
 public:
  struct Piece {
    std::shared_ptr<const PartBytes> owner;
    std::span<const std::byte> bytes;
  };
  const std::vector<Piece>& pieces() const { return pieces_; }  // In order, none empty.
  uint64_t size_bytes() const;
  // `target` has room for size_bytes().
  void CopyTo(std::span<std::byte> target) const;

  void Add(Piece piece) { pieces_.push_back(std::move(piece)); }

 private:
  std::vector<Piece> pieces_;
};

// One open object and one position in it: a file handle, a stream. Reads that follow one another
// are read ahead of, further each time; reads at random places bring exactly what was asked for.
// Handles of the same object share what is on its way and what any of them still wants.
//
// All bytes are of one version: an object that is replaced fails further reads with
// kPreconditionFailed. Threads: all methods may be called at once from any thread or loop.
// Lifetime: the Fetcher outlives it; it outlives its reads.
class ObjectReader {
 public:
  // Fetcher::Open makes them.
  ObjectReader(std::shared_ptr<ObjectBlocks> blocks, uint64_t part_size_bytes);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  const ObjectVersion& object() const;

  // The bytes of the range, fewer where the object ends before, none at or beyond its end.
  // kTimedOut and kCancelled as `context` says, at once; kResourceExhausted for more than a quarter
  // of the memory that an object may hold; else what the store says. Large reads at once take
  // turns, so that there is memory for each.
  Task<Result<ReadBytes>> Read(ByteRange range, CallContext context);
  // The same, blocking this thread, which must not be an event loop.
  Result<ReadBytes> ReadBlocking(ByteRange range, const CallContext& context);

  // These ranges will be read, soonest first: they are put on their way, close ones together where
  // the gap costs less than a request. Each is kept until it was read to its end; of more than
  // 1,024 the oldest are let go.
  void WillRead(std::span<const ByteRange> ranges);

 private:
  const std::shared_ptr<HandleState> state_;
};

}  // namespace headrace::fetch
