// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/format/record_reader.h"

namespace headrace::format {

// Text lines, and so JSON Lines and CSV without quoted newlines: a record is what stands between
// newlines, without a carriage return at its end. Blank lines are no records, but count in the
// index, so that index + 1 is the line number an editor shows. The last newline may be missing.
class LineReader final : public RecordReader {
 public:
  explicit LineReader(const RecordReaderOptions& options) : options_(options) {}

  Result<std::optional<Record>> Next(std::span<const std::byte>& input) override;
  Result<std::optional<Record>> Finish() override;

 private:
  // The line as a record; nothing for a blank one.
  std::optional<Record> Complete(std::span<const std::byte> line, uint64_t framed_bytes);
  Status Carry(std::span<const std::byte> piece);

  RecordReaderOptions options_;
  std::vector<std::byte> carried_;  // The start of a line that the last piece cut.
  bool is_given_ = false;           // `carried_` was handed out.
  uint64_t index_ = 0;
  uint64_t offset_bytes_ = 0;  // Where the current line began.
};

}  // namespace headrace::format
