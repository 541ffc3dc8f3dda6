// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/base/error.h"

namespace headrace::plan {

struct LineIndexOptions {
  // A longer line is refused: whoever reads it has to hold it whole. Far above any line that people
  // write, far below what a file without newlines would take.
  uint64_t line_bytes_max = 16ULL << 20U;
  // 500 MB of index.
  uint64_t line_count_max = 100'000'000;
};

// Where each line of a text begins that holds anything at all; the text itself is not kept.
// Threads: const methods from any thread once the index is whole. Memory: 5 bytes a line.
class LineIndex {
 public:
  explicit LineIndex(const LineIndexOptions& options) : options_(options) {}

  // The text's next bytes, cut anywhere. kResourceExhausted, naming the line, beyond a limit.
  Status Add(std::span<const std::byte> piece);
  // The text is over; its last newline may be missing.
  Status Finish();

  // Lines that are more than a line end.
  uint64_t size() const { return begins_.size(); }
  // The offset of a line's first byte. Precondition: index < size().
  uint64_t BeginOf(uint64_t index) const;
  // Of the whole text.
  uint64_t text_bytes() const { return position_; }

 private:
  static constexpr size_t kOffsetBytes = 5;  // Texts of up to 1 TiB.

  Status EndLine();
  Status CheckLength(uint64_t size_bytes) const;

  LineIndexOptions options_;
  std::vector<std::array<uint8_t, kOffsetBytes>> begins_;
  uint64_t position_ = 0;
  uint64_t line_begin_ = 0;
  uint64_t line_number_ = 1;  // As editors count.
  std::byte last_{};          // The byte before `position_`.
};

}  // namespace headrace::plan
