// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/listing.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/plan/key_path.h"
#include "headrace/store/s3_limits.h"

namespace headrace::plan {
namespace {

constexpr size_t kEtagDigits = 32;
constexpr size_t kStorageClassesMax = 255;
constexpr uint64_t kSizeBytesMax = (1ULL << 56U) - 1;

// The value of a lower-case hexadecimal digit; 16 for anything else.
uint8_t DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<uint8_t>(digit - 'a' + 10);
  return 16;
}

// The part count behind the digits; 0: there is none; nothing: not the usual form.
std::optional<uint16_t> EtagPartCount(std::string_view etag) {
  if (etag.size() == kEtagDigits) return kEtagPlain;
  const std::string_view count_text = etag.substr(kEtagDigits + 1);
  if (etag[kEtagDigits] != '-' || count_text.empty() || count_text[0] == '0') return std::nullopt;
  uint16_t count = 0;
  const char* const end = count_text.data() + count_text.size();
  const auto [rest, error] = std::from_chars(count_text.data(), end, count);
  if (error != std::errc() || rest != end || count > kPartCountMax) return std::nullopt;
  return count;
}

// Fills the entry's ETag; false, and the entry unchanged in kind, when it is not the usual form.
bool PackEtag(std::string_view etag, ListingEntry& entry) {
  if (etag.size() < kEtagDigits) return false;
  const std::optional<uint16_t> part_count = EtagPartCount(etag);
  if (!part_count) return false;
  uint8_t worst = 0;
  for (size_t i = 0; i < entry.etag.size(); ++i) {
    const uint8_t high = DigitValue(etag[2 * i]);
    const uint8_t low = DigitValue(etag[2 * i + 1]);
    worst = std::max({worst, high, low});
    entry.etag[i] = static_cast<uint8_t>((high << 4U) | (low & 0x0FU));
  }
  if (worst > 15) return false;
  entry.etag_kind = *part_count;
  return true;
}

}  // namespace

size_t Listing::memory_bytes() const {
  size_t bytes = sizeof(*this) + blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_) {
    bytes += block.entry_count * sizeof(ListingEntry) + block.key_bytes;
  }
  for (const auto* const texts : {&storage_classes_, &etags_elsewhere_}) {
    bytes += texts->capacity() * sizeof(std::string);
    for (const std::string& text : *texts) bytes += text.capacity();
  }
  return bytes;
}

const Listing::Block& Listing::BlockOf(size_t index) const {
  HR_CHECK(index < size_);
  return blocks_[index / kListingBlockEntries];
}

const ListingEntry& Listing::EntryAt(size_t index) const {
  return BlockOf(index).entries[index % kListingBlockEntries];
}

std::string_view Listing::KeyAt(size_t index) const {
  const Block& block = BlockOf(index);
  return block.KeyOf(block.entries[index % kListingBlockEntries]);
}

ListedObject Listing::At(size_t index) const {
  const Block& block = BlockOf(index);
  const ListingEntry& entry = block.entries[index % kListingBlockEntries];
  return {.key = block.KeyOf(entry),
          .size_bytes = entry.size_bytes,
          .modified = SystemTime(std::chrono::nanoseconds(entry.modified_ns))};
}

std::string Listing::EtagOf(const ListingEntry& entry) const {
  if (entry.etag_kind == kEtagAbsent) return {};
  if (entry.etag_kind == kEtagElsewhere) {
    uint32_t index = 0;
    std::memcpy(&index, entry.etag.data(), sizeof(index));
    return etags_elsewhere_[index];
  }
  std::string etag = HexEncode(std::as_bytes(std::span(entry.etag)));
  if (entry.etag_kind != kEtagPlain) etag += fmt::format("-{}", entry.etag_kind);
  return etag;
}

std::string Listing::EtagAt(size_t index) const { return EtagOf(EntryAt(index)); }

ObjectInfo Listing::ObjectAt(size_t index) const {
  const Block& block = BlockOf(index);
  const ListingEntry& entry = block.entries[index % kListingBlockEntries];
  ObjectInfo object;
  object.key = block.KeyOf(entry);
  object.size_bytes = entry.size_bytes;
  object.etag = EtagOf(entry);
  object.modified = SystemTime(std::chrono::nanoseconds(entry.modified_ns));
  if (entry.storage_class > 0) object.storage_class = storage_classes_[entry.storage_class - 1];
  return object;
}

size_t Listing::LowerBound(std::string_view key) const {
  size_t begin = 0;
  size_t end = size_;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (KeyAt(middle) < key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

std::optional<size_t> Listing::Find(std::string_view key) const {
  const size_t index = LowerBound(key);
  if (index == size_ || KeyAt(index) != key) return std::nullopt;
  return index;
}

Status ListingBuilder::Add(const ObjectInfo& object) {
  if (object.size_bytes > kSizeBytesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("object '{}': a size of {} bytes is beyond what a listing holds",
                            ShownKey(object.key), object.size_bytes));
  }
  ListingEntry entry;
  entry.size_bytes = object.size_bytes;
  entry.modified_ns = object.modified.time_since_epoch().count();
  HR_TRY_ASSIGN(entry.storage_class, StorageClassIndex(object.storage_class));
  if (object.etag.empty()) {
    entry.etag_kind = kEtagAbsent;
  } else if (!PackEtag(object.etag, entry)) {
    SetEtagElsewhere(object.etag, entry);
  }
  return AddEntry(entry, object.key);
}

Status ListingBuilder::Append(Listing&& listing) {
  const Listing taken = std::move(listing);
  for (const Listing::Block& block : taken.blocks_) {
    for (uint32_t i = 0; i < block.entry_count; ++i) {
      HR_TRY(AddFrom(taken, block, block.entries[i]));
    }
  }
  return Ok();
}

Status ListingBuilder::AddFrom(const Listing& other, const Listing::Block& block,
                               ListingEntry entry) {
  if (entry.storage_class > 0) {
    HR_TRY_ASSIGN(entry.storage_class,
                  StorageClassIndex(other.storage_classes_[entry.storage_class - 1]));
  }
  if (entry.etag_kind == kEtagElsewhere) SetEtagElsewhere(other.EtagOf(entry), entry);
  return AddEntry(entry, block.KeyOf(entry));
}

Status ListingBuilder::AddEntry(ListingEntry entry, std::string_view key) {
  if (key.size() > std::numeric_limits<uint16_t>::max()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a key of {} bytes is beyond what a listing holds: '{}...'", key.size(),
                            ShownKey(key.substr(0, 64))));
  }
  if (size() > 0 && key <= LastKey()) is_sorted_ = false;
  entry.key_offset = static_cast<uint32_t>(keys_.size());
  entry.key_size_bytes = static_cast<uint16_t>(key.size());
  keys_ += key;
  entries_.push_back(entry);
  listing_.total_size_bytes_ += entry.size_bytes;
  if (entries_.size() == kListingBlockEntries) CloseBlock();
  return Ok();
}

std::string_view ListingBuilder::LastKey() const {
  if (!entries_.empty()) {
    return std::string_view(keys_).substr(entries_.back().key_offset);
  }
  const Listing::Block& block = listing_.blocks_.back();
  return block.KeyOf(block.entries[block.entry_count - 1]);
}

Result<uint8_t> ListingBuilder::StorageClassIndex(std::string_view name) {
  if (name.empty()) return 0;
  auto& names = listing_.storage_classes_;
  auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    if (names.size() == kStorageClassesMax) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("more than {} storage classes in one listing", kStorageClassesMax));
    }
    found = names.emplace(names.end(), name);
  }
  return static_cast<uint8_t>(found - names.begin() + 1);
}

void ListingBuilder::SetEtagElsewhere(std::string etag, ListingEntry& entry) {
  const auto index = static_cast<uint32_t>(listing_.etags_elsewhere_.size());
  HR_CHECK(index == listing_.etags_elsewhere_.size());
  listing_.etags_elsewhere_.push_back(std::move(etag));
  entry.etag_kind = kEtagElsewhere;
  entry.etag = {};
  std::memcpy(entry.etag.data(), &index, sizeof(index));
}

void ListingBuilder::CloseBlock() {
  Listing::Block block;
  block.entry_count = static_cast<uint32_t>(entries_.size());
  block.key_bytes = static_cast<uint32_t>(keys_.size());
  block.entries = std::make_unique_for_overwrite<ListingEntry[]>(entries_.size());
  block.keys = std::make_unique_for_overwrite<char[]>(keys_.size());
  std::ranges::copy(entries_, block.entries.get());
  std::ranges::copy(keys_, block.keys.get());
  listing_.size_ += entries_.size();
  listing_.blocks_.push_back(std::move(block));
  entries_.clear();
  keys_.clear();
}

Result<Listing> ListingBuilder::Finish() {
  if (!entries_.empty()) CloseBlock();
  entries_ = {};
  keys_ = {};
  Listing listing = std::exchange(listing_, {});
  if (std::exchange(is_sorted_, true)) return listing;
  return Sorted(std::move(listing));
}

Result<Listing> ListingBuilder::Sorted(Listing unsorted) {
  std::vector<size_t> order(unsorted.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t index) { return unsorted.KeyAt(index); });
  const auto twice =
      std::ranges::adjacent_find(order, {}, [&](size_t index) { return unsorted.KeyAt(index); });
  if (twice != order.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("object '{}' is listed twice", ShownKey(unsorted.KeyAt(*twice))));
  }
  ListingBuilder sorted;
  for (const size_t index : order) {
    HR_TRY(sorted.AddFrom(unsorted, unsorted.BlockOf(index), unsorted.EntryAt(index)));
  }
  return sorted.Finish();
}

}  // namespace headrace::plan
