// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/listing_format.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"
#include "headrace/plan/key_path.h"
#include "headrace/store/s3_limits.h"

namespace headrace::plan {
namespace {

constexpr size_t kHeadCheckedBytes = offsetof(ListingFileHead, crc32c);

template <typename T>
void PutRaw(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutTexts(std::string& bytes, const std::vector<std::string>& texts) {
  PutRaw(bytes, static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) {
    PutRaw(bytes, static_cast<uint32_t>(text.size()));
    bytes += text;
  }
}

template <typename T>
std::optional<T> TakeRaw(std::span<const std::byte>& rest) {
  if (rest.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, rest.data(), sizeof(T));
  rest = rest.subspan(sizeof(T));
  return value;
}

std::optional<std::vector<std::string>> TakeTexts(std::span<const std::byte>& rest) {
  const auto count = TakeRaw<uint32_t>(rest);
  // Each text takes four bytes at least: a wrong count cannot ask for more memory than the file
  // has.
  if (!count || *count > rest.size() / sizeof(uint32_t)) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(*count);
  for (uint32_t i = 0; i < *count; ++i) {
    const auto size = TakeRaw<uint32_t>(rest);
    if (!size || *size > rest.size()) return std::nullopt;
    texts.emplace_back(AsText(rest.first(*size)));
    rest = rest.subspan(*size);
  }
  return texts;
}

uint32_t HeadCrc(const ListingFileHead& head, std::span<const std::byte> texts) {
  const auto fixed = std::as_bytes(std::span(&head, 1)).first(kHeadCheckedBytes);
  return Crc32c(texts, Crc32c(fixed));
}

uint32_t BlockHeadCrc(const ListingBlockHead& head) {
  return Crc32c(std::as_bytes(std::span(&head, 1)).first(offsetof(ListingBlockHead, crc32c)));
}

std::unexpected<Error> Corrupt(std::string what) {
  return Fail(ErrorCode::kCorrupt, std::move(what));
}

}  // namespace

std::string ListingWriter::Head() const {
  std::string texts;
  PutTexts(texts, listing_.storage_classes_);
  PutTexts(texts, listing_.etags_elsewhere_);
  ListingFileHead head;
  std::ranges::copy(kListingMagic, head.magic.begin());
  head.block_count = static_cast<uint32_t>(listing_.blocks_.size());
  head.object_count = listing_.size();
  head.texts_bytes = static_cast<uint32_t>(texts.size());
  head.crc32c = HeadCrc(head, AsBytes(texts));
  std::string bytes;
  PutRaw(bytes, head);
  return bytes + texts;
}

std::string ListingWriter::Block(size_t index) const {
  const Listing::Block& block = listing_.blocks_[index];
  const auto entries = std::as_bytes(std::span(block.entries.get(), block.entry_count));
  const auto keys = std::as_bytes(std::span(block.keys.get(), block.key_bytes));
  ListingBlockHead head{.entry_count = block.entry_count, .key_bytes = block.key_bytes};
  head.crc32c = Crc32c(keys, Crc32c(entries, BlockHeadCrc(head)));
  std::string bytes;
  bytes.reserve(sizeof(head) + entries.size() + keys.size());
  PutRaw(bytes, head);
  bytes += AsText(entries);
  bytes += AsText(keys);
  return bytes;
}

Status ListingReader::ReadHead(const ListingFileHead& head, std::span<const std::byte> texts) {
  if (!std::ranges::equal(head.magic, kListingMagic)) return Corrupt("not a listing");
  if (head.version != kListingVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("listing format version {}; this program reads version {}",
                            head.version, kListingVersion));
  }
  if (HeadCrc(head, texts) != head.crc32c) return Corrupt("wrong checksum of the head");
  auto storage_classes = TakeTexts(texts);
  auto etags = storage_classes ? TakeTexts(texts) : std::nullopt;
  if (!etags || !texts.empty()) return Corrupt("damaged text tables");
  const uint64_t blocks = (head.object_count + kListingBlockEntries - 1) / kListingBlockEntries;
  if (blocks != head.block_count) return Corrupt("block count and object count differ");
  listing_.storage_classes_ = *std::move(storage_classes);
  listing_.etags_elsewhere_ = *std::move(etags);
  object_count_ = head.object_count;
  block_count_ = head.block_count;
  return Ok();
}

Result<size_t> ListingReader::BodyBytes(const ListingBlockHead& head) {
  if (head.entry_count == 0 || head.entry_count > kListingBlockEntries ||
      head.key_bytes > head.entry_count * size_t{UINT16_MAX}) {
    return Corrupt("a block with impossible sizes");
  }
  return head.entry_count * sizeof(ListingEntry) + head.key_bytes;
}

Status ListingReader::CheckEntry(const ListingEntry& entry, const Listing::Block& block,
                                 uint32_t key_offset) {
  if (entry.key_offset != key_offset || entry.key_size_bytes > block.key_bytes - key_offset) {
    return Corrupt("a key outside its block");
  }
  if (entry.storage_class > listing_.storage_classes_.size()) {
    return Corrupt("an unknown storage class");
  }
  if (entry.etag_kind == kEtagElsewhere) {
    uint32_t index = 0;
    std::memcpy(&index, entry.etag.data(), sizeof(index));
    if (index >= listing_.etags_elsewhere_.size()) return Corrupt("an unknown ETag");
  } else if (entry.etag_kind > kPartCountMax && entry.etag_kind != kEtagAbsent) {
    return Corrupt("an unknown kind of ETag");
  }
  return Ok();
}

Status ListingReader::ReadBlock(const ListingBlockHead& head, std::span<const std::byte> body) {
  const uint64_t missing = object_count_ - listing_.size_;
  if (head.entry_count != std::min<uint64_t>(missing, kListingBlockEntries)) {
    return Corrupt("a block with a wrong object count");
  }
  if (Crc32c(body, BlockHeadCrc(head)) != head.crc32c) {
    return Corrupt(fmt::format("wrong checksum of block {}", listing_.blocks_.size()));
  }
  Listing::Block block;
  block.entry_count = head.entry_count;
  block.key_bytes = head.key_bytes;
  block.entries = std::make_unique_for_overwrite<ListingEntry[]>(head.entry_count);
  block.keys = std::make_unique_for_overwrite<char[]>(head.key_bytes);
  const size_t entries_bytes = head.entry_count * sizeof(ListingEntry);
  std::memcpy(block.entries.get(), body.data(), entries_bytes);
  std::memcpy(block.keys.get(), body.data() + entries_bytes, head.key_bytes);

  uint32_t key_offset = 0;
  std::optional<std::string_view> last;
  if (!listing_.empty()) last = listing_.KeyAt(listing_.size() - 1);
  for (uint32_t i = 0; i < block.entry_count; ++i) {
    const ListingEntry& entry = block.entries[i];
    HR_TRY(CheckEntry(entry, block, key_offset));
    const std::string_view key = block.KeyOf(entry);
    if (last && key <= *last) {
      return Corrupt(fmt::format("key '{}' is not after '{}'", ShownKey(key), ShownKey(*last)));
    }
    last = key;
    key_offset += entry.key_size_bytes;
    listing_.total_size_bytes_ += entry.size_bytes;
  }
  if (key_offset != block.key_bytes) return Corrupt("a block with unused key bytes");
  listing_.size_ += block.entry_count;
  listing_.blocks_.push_back(std::move(block));
  return Ok();
}

Result<Listing> ListingReader::Finish() && {
  HR_CHECK(listing_.size_ == object_count_);
  return std::move(listing_);
}

}  // namespace headrace::plan
