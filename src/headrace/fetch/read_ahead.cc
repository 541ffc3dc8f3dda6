// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_ahead.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace headrace::fetch {

ReadAhead::Wish ReadAhead::OnRead(ByteRange range) {
  const uint64_t before = expected_ - std::min(expected_, options_.slack_bytes);
  const bool is_in_order = range.begin >= before && range.begin <= expected_ + options_.slack_bytes;
  if (!is_in_order) {
    expected_ = range.end;
    ahead_bytes_ = 0;
    return {.until = range.end, .kept_from = range.begin};
  }
  // A jump is no beginning: only a second read in order shows one, except at the object's start.
  const bool is_beginning = range.begin == 0 && expected_ == 0;
  if (is_beginning && object_size_bytes_ <= options_.small_object_bytes) {
    expected_ = range.end;
    return {.until = object_size_bytes_,
            .kept_from = 0,
            .piece_bytes = options_.piece_bytes_max,
            .is_in_order = true};
  }
  ahead_bytes_ = std::clamp(ahead_bytes_ * 2, options_.ahead_bytes_min, options_.ahead_bytes_max);
  expected_ = std::max(expected_, range.end);
  const uint64_t piece_bytes = std::clamp(
      std::bit_floor(ahead_bytes_ / 4),
      std::min(options_.ahead_bytes_min, options_.piece_bytes_max), options_.piece_bytes_max);
  // Whole pieces: otherwise every read would ask for as little as it moved on.
  const uint64_t until = (expected_ + ahead_bytes_ + piece_bytes - 1) / piece_bytes * piece_bytes;
  return {.until = std::min(object_size_bytes_, until),
          .kept_from = expected_ - std::min(expected_, 2 * options_.slack_bytes),
          .piece_bytes = piece_bytes,
          .is_in_order = true};
}

std::vector<ByteRange> CutAhead(ByteRange range, uint64_t least_bytes, uint64_t part_size_bytes) {
  std::vector<ByteRange> pieces;
  uint64_t begin = range.begin;
  while (begin < range.end) {
    const uint64_t next_multiple = (begin / part_size_bytes + 1) * part_size_bytes;
    const uint64_t grown = std::max(least_bytes, (begin - range.begin) + least_bytes);
    const uint64_t end = std::min({range.end, next_multiple, begin + grown});
    pieces.push_back({.begin = begin, .end = end});
    begin = end;
  }
  return pieces;
}

std::vector<ByteRange> Coalesce(std::span<const ByteRange> ranges, uint64_t gap_bytes_max,
                                uint64_t span_bytes_max) {
  std::vector<ByteRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, &ByteRange::begin);
  std::vector<ByteRange> joined;
  for (const ByteRange& range : sorted) {
    if (range.empty()) continue;
    if (!joined.empty()) {
      ByteRange& last = joined.back();
      const uint64_t end = std::max(last.end, range.end);
      const bool overlaps = range.begin < last.end;
      const bool is_near =
          range.begin <= last.end + gap_bytes_max && end - last.begin <= span_bytes_max;
      if (overlaps || is_near) {
        last.end = end;
        continue;
      }
    }
    joined.push_back(range);
  }
  return joined;
}

std::vector<HintedRanges> JoinHints(std::span<const ByteRange> ranges, uint64_t gap_bytes_max,
                                    uint64_t span_bytes_max) {
  const std::vector<ByteRange> joined = Coalesce(ranges, gap_bytes_max, span_bytes_max);
  constexpr size_t kNotYet = std::numeric_limits<size_t>::max();
  std::vector<size_t> places(joined.size(), kNotYet);
  std::vector<HintedRanges> groups;
  for (const ByteRange& range : ranges) {
    if (range.empty()) continue;
    // The last that begins before the range's first byte ends.
    const auto after = std::ranges::upper_bound(joined, range.begin, {}, &ByteRange::begin);
    const auto index = static_cast<size_t>(after - joined.begin()) - 1;
    if (places[index] == kNotYet) {
      places[index] = groups.size();
      groups.push_back({.joined = joined[index], .ranges = {}});
    }
    groups[places[index]].ranges.push_back(range);
  }
  return groups;
}

}  // namespace headrace::fetch
