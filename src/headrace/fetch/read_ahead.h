// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "headrace/base/byte_range.h"

namespace headrace::fetch {

struct ReadAheadOptions {
  // Ahead of a reader that has just begun to read in order; doubles with each read that goes on.
  uint64_t ahead_bytes_min = 256ULL << 10U;
  // A second of one connection, or 30 ms of 4 GiB/s.
  uint64_t ahead_bytes_max = 128ULL << 20U;
  // What is read ahead is asked for in pieces of up to this, at their multiples: in a quarter of
  // the way ahead, so that some are on their way while one is read.
  uint64_t piece_bytes_max = 8ULL << 20U;
  // An object up to this size is fetched whole by a first read at its start.
  uint64_t small_object_bytes = 1ULL << 20U;
  // A read that begins so far beyond the last one's end, or before it, still goes on: kernels read
  // ahead on several threads.
  uint64_t slack_bytes = 512ULL << 10U;
};

// Tells from the reads of one handle how far ahead of it to read: in order, further with each read;
// at random, not at all. Pure. Threads: its owner's lock.
class ReadAhead {
 public:
  ReadAhead(const ReadAheadOptions& options, uint64_t object_size_bytes)
      : options_(options), object_size_bytes_(object_size_bytes) {}

  struct Wish {
    uint64_t until = 0;        // Bytes from the read's begin to here shall be on their way.
    uint64_t kept_from = 0;    // What lies before will hardly be read again.
    uint64_t piece_bytes = 0;  // How large requests for what lies ahead should be.
    bool is_in_order = false;
  };
  Wish OnRead(ByteRange range);

 private:
  const ReadAheadOptions options_;
  const uint64_t object_size_bytes_;
  uint64_t expected_ = 0;  // The end of the furthest read in order.
  uint64_t ahead_bytes_ = 0;
};

// How [begin, end) is cut for reading ahead: pieces that grow with the way they are ahead, up to
// `part_size_bytes`, whole parts ending at its multiples.
std::vector<ByteRange> CutAhead(ByteRange range, uint64_t least_bytes, uint64_t part_size_bytes);

// Joins ranges whose gaps are at most `gap_bytes_max` as long as the whole is at most
// `span_bytes_max`; in order of their begin; overlapping ones always.
std::vector<ByteRange> Coalesce(std::span<const ByteRange> ranges, uint64_t gap_bytes_max,
                                uint64_t span_bytes_max);

// The same with the ranges that each holds, the one whose first range was named first in front.
struct HintedRanges {
  ByteRange joined;
  std::vector<ByteRange> ranges;
};
std::vector<HintedRanges> JoinHints(std::span<const ByteRange> ranges, uint64_t gap_bytes_max,
                                    uint64_t span_bytes_max);

}  // namespace headrace::fetch
