// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_io.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/format/little_endian.h"

namespace headrace::format {
namespace {

constexpr uint32_t kLengthMask = (1U << 29U) - 1;
constexpr std::array<std::byte, 4> kMagicBytes{std::byte{0x0a}, std::byte{0x23}, std::byte{0xd7},
                                               std::byte{0xce}};

}  // namespace

std::array<std::byte, kRecordIoHeaderBytes> RecordIoHeader(uint64_t size_bytes) {
  HR_CHECK(size_bytes <= kRecordIoPayloadBytesMax);
  std::array<std::byte, kRecordIoHeaderBytes> header{};
  std::ranges::copy(kMagicBytes, header.begin());
  for (size_t i = 0; i < 4; ++i) {
    header[kMagicBytes.size() + i] = static_cast<std::byte>(size_bytes >> (8 * i));
  }
  return header;
}

Result<std::optional<RecordIoReader::Header>> RecordIoReader::ReadHeader(
    std::span<const std::byte>& input) {
  const auto bytes = gatherer_.Take(input, kRecordIoHeaderBytes);
  if (!bytes) return std::nullopt;
  const auto place = [this] { return RecordPlace(index_, offset_bytes_); };
  if (LittleEndian<uint32_t>(*bytes) != kRecordIoMagic) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("{}: no RecordIO magic number stands at byte {}; this is not a RecordIO "
                    "stream, or it is damaged or compressed",
                    place(), offset_bytes_ + framed_bytes_));
  }
  const auto word = LittleEndian<uint32_t>(*bytes, kMagicBytes.size());
  const Header header{.part = static_cast<Part>(word >> 29U), .size_bytes = word & kLengthMask};
  const bool begins = header.part == Part::kWhole || header.part == Part::kFirst;
  if (std::to_underlying(header.part) > std::to_underlying(Part::kLast) || begins == is_in_parts_) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: part kind {} cannot stand {}", place(), word >> 29U,
                            is_in_parts_ ? "inside a record of parts" : "at a record's start"));
  }
  const uint64_t total_bytes = record_bytes_ + header.size_bytes;
  if (!options_.skips_payloads && total_bytes > options_.record_bytes_max) {
    return std::unexpected(RecordTooLarge(place(), total_bytes, options_.record_bytes_max));
  }
  return header;
}

std::optional<std::span<const std::byte>> RecordIoReader::TakePayload(
    std::span<const std::byte>& input) {
  const auto size_bytes = static_cast<size_t>(header_->size_bytes);
  const size_t padded_bytes = size_bytes + RecordIoPaddingBytes(size_bytes);
  if (!options_.skips_payloads) {
    const auto run = gatherer_.Take(input, padded_bytes);
    if (!run) return std::nullopt;
    return run->first(size_bytes);
  }
  if (!gatherer_.Skip(input, padded_bytes)) return std::nullopt;
  return std::span<const std::byte>();
}

Result<std::optional<Record>> RecordIoReader::Next(std::span<const std::byte>& input) {
  if (is_given_) {
    joined_.clear();
    is_given_ = false;
  }
  while (true) {
    if (!header_) {
      HR_TRY_ASSIGN(header_, ReadHeader(input));
      if (!header_) return std::nullopt;
    }
    const auto payload = TakePayload(input);
    if (!payload) return std::nullopt;
    const Header header = *std::exchange(header_, std::nullopt);
    framed_bytes_ +=
        kRecordIoHeaderBytes + header.size_bytes + RecordIoPaddingBytes(header.size_bytes);
    if (header.part == Part::kWhole) {
      record_bytes_ = header.size_bytes;
      return Complete(*payload);
    }
    if (header.part != Part::kFirst && join_ == RecordIoJoin::kRestoreMagic) {
      record_bytes_ += kMagicBytes.size();
      Join(kMagicBytes);
    }
    record_bytes_ += header.size_bytes;
    Join(*payload);
    is_in_parts_ = header.part != Part::kLast;
    if (!is_in_parts_) {
      is_given_ = true;
      return Complete(joined_);
    }
  }
}

void RecordIoReader::Join(std::span<const std::byte> payload) {
  if (!options_.skips_payloads) joined_.insert(joined_.end(), payload.begin(), payload.end());
}

Record RecordIoReader::Complete(std::span<const std::byte> payload) {
  const Record record{.index = index_,
                      .offset_bytes = offset_bytes_,
                      .size_bytes = std::exchange(record_bytes_, 0),
                      .payload = payload};
  ++index_;
  offset_bytes_ += std::exchange(framed_bytes_, 0);
  return record;
}

Result<std::optional<Record>> RecordIoReader::Finish() {
  if (!header_ && !is_in_parts_ && gatherer_.carried_bytes() == 0) return std::nullopt;
  return Fail(ErrorCode::kCorrupt,
              fmt::format("{}: the stream ends inside it", RecordPlace(index_, offset_bytes_)));
}

}  // namespace headrace::format
