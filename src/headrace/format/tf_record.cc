// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tf_record.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/format/little_endian.h"

namespace headrace::format {

Result<bool> TfRecordReader::ReadHeader(std::span<const std::byte>& input) {
  const auto header = gatherer_.Take(input, kTfRecordHeaderBytes);
  if (!header) return false;
  const auto length = header->first(sizeof(uint64_t));
  if (LittleEndian<uint32_t>(*header, length.size()) != MaskTfRecordCrc(Crc32c(length))) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: its length breaks its checksum; this is not a TFRecord stream, or "
                            "it is damaged or compressed",
                            RecordPlace(index_, offset_bytes_)));
  }
  const auto length_bytes = LittleEndian<uint64_t>(length);
  if (!options_.skips_payloads && length_bytes > options_.record_bytes_max) {
    return std::unexpected(RecordTooLarge(RecordPlace(index_, offset_bytes_), length_bytes,
                                          options_.record_bytes_max));
  }
  length_bytes_ = length_bytes;
  return true;
}

Result<std::optional<Record>> TfRecordReader::Next(std::span<const std::byte>& input) {
  if (!length_bytes_) {
    HR_TRY_ASSIGN(const bool is_read, ReadHeader(input));
    if (!is_read) return std::nullopt;
  }
  return options_.skips_payloads ? PassThrough(input) : TakeWhole(input);
}

Result<std::optional<Record>> TfRecordReader::TakeWhole(std::span<const std::byte>& input) {
  const auto size_bytes = static_cast<size_t>(*length_bytes_);
  const auto run = gatherer_.Take(input, size_bytes + kTfRecordTrailerBytes);
  if (!run) return std::nullopt;
  const auto payload = run->first(size_bytes);
  return Complete(payload, Crc32c(payload), LittleEndian<uint32_t>(*run, size_bytes));
}

Result<std::optional<Record>> TfRecordReader::PassThrough(std::span<const std::byte>& input) {
  const auto passing = input.first(
      static_cast<size_t>(std::min<uint64_t>(input.size(), *length_bytes_ - passed_bytes_)));
  passed_crc_ = Crc32c(passing, passed_crc_);
  passed_bytes_ += passing.size();
  input = input.subspan(passing.size());
  if (passed_bytes_ < *length_bytes_) return std::nullopt;
  const auto trailer = gatherer_.Take(input, kTfRecordTrailerBytes);
  if (!trailer) return std::nullopt;
  return Complete({}, passed_crc_, LittleEndian<uint32_t>(*trailer));
}

Result<std::optional<Record>> TfRecordReader::Complete(std::span<const std::byte> payload,
                                                       uint32_t crc, uint32_t stored) {
  if (stored != MaskTfRecordCrc(crc)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: its {} bytes break their checksum",
                            RecordPlace(index_, offset_bytes_), *length_bytes_));
  }
  const Record record{.index = index_,
                      .offset_bytes = offset_bytes_,
                      .size_bytes = *length_bytes_,
                      .payload = payload};
  ++index_;
  offset_bytes_ += kTfRecordHeaderBytes + *length_bytes_ + kTfRecordTrailerBytes;
  length_bytes_.reset();
  passed_bytes_ = 0;
  passed_crc_ = 0;
  return record;
}

Result<std::optional<Record>> TfRecordReader::Finish() {
  if (!length_bytes_ && gatherer_.carried_bytes() == 0) return std::nullopt;
  return Fail(ErrorCode::kCorrupt,
              fmt::format("{}: the stream ends inside it", RecordPlace(index_, offset_bytes_)));
}

}  // namespace headrace::format
