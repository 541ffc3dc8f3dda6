// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/line_reader.h"

#include <cstring>

namespace headrace::format {

Result<std::optional<Record>> LineReader::Next(std::span<const std::byte>& input) {
  if (is_given_) {
    carried_.clear();
    is_given_ = false;
  }
  while (!input.empty()) {
    const auto* newline =
        static_cast<const std::byte*>(std::memchr(input.data(), '\n', input.size()));
    if (newline == nullptr) {
      HR_TRY(Carry(input));
      input = {};
      break;
    }
    auto line = input.first(static_cast<size_t>(newline - input.data()));
    input = input.subspan(line.size() + 1);
    if (!carried_.empty()) {
      HR_TRY(Carry(line));
      line = carried_;
      is_given_ = true;
    } else if (line.size() > options_.record_bytes_max) {
      return std::unexpected(RecordTooLarge(RecordPlace(index_, offset_bytes_), line.size(),
                                            options_.record_bytes_max));
    }
    const auto record = Complete(line, line.size() + 1);
    if (record) return record;
    if (is_given_) {
      carried_.clear();
      is_given_ = false;
    }
  }
  return std::nullopt;
}

Status LineReader::Carry(std::span<const std::byte> piece) {
  const uint64_t size_bytes = carried_.size() + piece.size();
  if (size_bytes > options_.record_bytes_max) {
    return std::unexpected(
        RecordTooLarge(RecordPlace(index_, offset_bytes_), size_bytes, options_.record_bytes_max));
  }
  carried_.insert(carried_.end(), piece.begin(), piece.end());
  return Ok();
}

std::optional<Record> LineReader::Complete(std::span<const std::byte> line, uint64_t framed_bytes) {
  if (!line.empty() && line.back() == std::byte{'\r'}) line = line.first(line.size() - 1);
  Record record{.index = index_, .offset_bytes = offset_bytes_, .size_bytes = line.size()};
  if (!options_.skips_payloads) record.payload = line;
  ++index_;
  offset_bytes_ += framed_bytes;
  if (line.empty()) return std::nullopt;
  return record;
}

Result<std::optional<Record>> LineReader::Finish() {
  if (is_given_ || carried_.empty()) return std::nullopt;
  is_given_ = true;
  return Complete(carried_, carried_.size());
}

}  // namespace headrace::format
