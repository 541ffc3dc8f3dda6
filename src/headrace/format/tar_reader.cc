// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tar_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/format/tar_layout.h"

namespace headrace::format {
namespace {

using Kind = TarBlock::Kind;

bool DescribesTheNext(Kind kind) {
  return kind == Kind::kPax || kind == Kind::kPaxGlobal || kind == Kind::kGnuName ||
         kind == Kind::kGnuLink;
}

}  // namespace

Error TarReader::Broken(Error error) const {
  return std::move(error).While(
      fmt::format("tar member at byte {}", offset_bytes_.value_or(position_bytes_)));
}

Result<bool> TarReader::ReadHeader(std::span<const std::byte>& input) {
  while (true) {
    const auto bytes = gatherer_.Take(input, kTarBlockBytes);
    if (!bytes) return false;
    auto parsed = ParseTarHeader(*bytes);
    if (!parsed) return std::unexpected(Broken(std::move(parsed).error()));
    if (*parsed) {
      block_ = std::move(*parsed);
      break;
    }
    position_bytes_ += kTarBlockBytes;
  }
  if (!offset_bytes_) offset_bytes_ = position_bytes_;
  if (DescribesTheNext(block_->kind)) {
    if (block_->size_bytes > kAttributeBytesMax) {
      return std::unexpected(
          Broken(Error(ErrorCode::kResourceExhausted,
                       fmt::format("its {} bytes of attributes are above the limit of {}",
                                   block_->size_bytes, kAttributeBytesMax))));
    }
    return true;
  }
  if (!next_name_.empty()) block_->name = std::exchange(next_name_, {});
  if (next_size_bytes_) block_->size_bytes = *std::exchange(next_size_bytes_, std::nullopt);
  if (block_->kind == Kind::kGnuSparse) {
    return std::unexpected(
        Broken(Error(ErrorCode::kUnsupported,
                     fmt::format("{} is a sparse file, whose bytes are not in order; write the "
                                 "archive without --sparse",
                                 block_->name))));
  }
  const bool is_kept = block_->kind == Kind::kFile && !options_.skips_payloads;
  if (is_kept && block_->size_bytes > options_.record_bytes_max) {
    return std::unexpected(
        RecordTooLarge(fmt::format("{}, {}", RecordPlace(index_, *offset_bytes_), block_->name),
                       block_->size_bytes, options_.record_bytes_max));
  }
  return true;
}

Result<std::optional<Record>> TarReader::Next(std::span<const std::byte>& input) {
  while (true) {
    if (!block_) {
      HR_TRY_ASSIGN(const bool is_read, ReadHeader(input));
      if (!is_read) return std::nullopt;
    }
    if (DescribesTheNext(block_->kind)) {
      const size_t size_bytes = static_cast<size_t>(block_->size_bytes);
      const auto run = gatherer_.Take(input, static_cast<size_t>(PaddedBytes()));
      if (!run) return std::nullopt;
      HR_TRY(Learn(run->first(size_bytes)));
      // It is of the archive, not of the member that follows, which may not be there.
      const bool is_alone = block_->kind == Kind::kPaxGlobal && offset_bytes_ == position_bytes_;
      EndMember();
      if (is_alone) offset_bytes_.reset();
    } else if (block_->kind == Kind::kFile) {
      const auto record = TakeFile(input);
      if (record) EndMember();
      if (record) offset_bytes_.reset();
      return record;
    } else {
      if (!gatherer_.Skip(input, PaddedBytes())) return std::nullopt;
      EndMember();
      offset_bytes_.reset();
    }
  }
}

Status TarReader::Learn(std::span<const std::byte> contents) {
  const std::string_view text = AsText(contents);
  if (block_->kind == Kind::kGnuName) next_name_ = text.substr(0, text.find('\0'));
  // A global header's path or size would be every member's: no writer means that.
  if (block_->kind == Kind::kPax) {
    auto attributes = ParsePaxAttributes(text);
    if (!attributes) return std::unexpected(Broken(std::move(attributes).error()));
    if (attributes->path) next_name_ = std::move(*attributes->path);
    if (attributes->size_bytes) next_size_bytes_ = attributes->size_bytes;
  }
  return Ok();
}

std::optional<Record> TarReader::TakeFile(std::span<const std::byte>& input) {
  Record record{.index = index_, .offset_bytes = *offset_bytes_, .size_bytes = block_->size_bytes};
  if (options_.skips_payloads) {
    if (!gatherer_.Skip(input, PaddedBytes())) return std::nullopt;
  } else {
    const auto size_bytes = static_cast<size_t>(block_->size_bytes);
    const auto run = gatherer_.Take(input, static_cast<size_t>(PaddedBytes()));
    if (!run) return std::nullopt;
    record.payload = run->first(size_bytes);
  }
  ++index_;
  name_ = block_->name;
  record.name = name_;
  return record;
}

uint64_t TarReader::PaddedBytes() const {
  return block_->size_bytes + TarPaddingBytes(block_->size_bytes);
}

void TarReader::EndMember() {
  position_bytes_ += kTarBlockBytes + PaddedBytes();
  block_.reset();
}

Result<std::optional<Record>> TarReader::Finish() {
  if (!block_ && !offset_bytes_ && gatherer_.carried_bytes() == 0) return std::nullopt;
  return std::unexpected(Broken(Error(ErrorCode::kCorrupt, "the stream ends inside it")));
}

}  // namespace headrace::format
