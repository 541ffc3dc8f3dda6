// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

// One object's fixed part as it stands in memory and in a saved listing (docs/formats/listing.md).
struct ListingEntry {
  uint32_t key_offset = 0;  // In the block's key bytes.
  uint16_t key_size_bytes = 0;
  // How `etag` is to be read: kEtagPlain, the part count of a multipart upload (1 to 10,000),
  // kEtagElsewhere or kEtagAbsent.
  uint16_t etag_kind = 0;
  uint64_t size_bytes : 56 = 0;
  uint64_t storage_class : 8 = 0;  // 0: STANDARD; i: entry i - 1 of the listing's names.
  int64_t modified_ns = 0;         // Since 1970-01-01T00:00:00Z.
  std::array<uint8_t, 16> etag{};
};
static_assert(sizeof(ListingEntry) == 40);

// An object of a listing. The views live as long as the listing.
struct ListedObject {
  std::string_view key;
  uint64_t size_bytes = 0;
  SystemTime modified{};
};

// An immutable table of objects, sorted by key in byte order, each key once. 40 bytes plus the
// key's own bytes an object, and at most 8 more over the whole table; ETags that are not an MD5 in
// lower-case hexadecimal, with or without a part count, are kept as text beside it.
//
// Threads: all const methods may be called at once from any thread. Moves, never copies.
class Listing {
 public:
  Listing() = default;
  Listing(Listing&&) noexcept = default;
  Listing& operator=(Listing&&) noexcept = default;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // The sum of all objects' sizes.
  uint64_t total_size_bytes() const { return total_size_bytes_; }
  // Everything the table occupies.
  size_t memory_bytes() const;

  // Precondition of the four: index < size().
  ListedObject At(size_t index) const;
  std::string_view KeyAt(size_t index) const;
  std::string EtagAt(size_t index) const;
  ObjectInfo ObjectAt(size_t index) const;

  // The index of `key`, or nothing.
  std::optional<size_t> Find(std::string_view key) const;
  // The first index whose key is not before `key`; size() when there is none.
  size_t LowerBound(std::string_view key) const;

  class Iterator;
  Iterator begin() const;
  Iterator end() const;

 private:
  friend class ListingBuilder;
  friend class ListingWriter;
  friend class ListingReader;

  struct Block {
    std::unique_ptr<ListingEntry[]> entries;
    std::unique_ptr<char[]> keys;
    uint32_t entry_count = 0;
    uint32_t key_bytes = 0;

    std::string_view KeyOf(const ListingEntry& entry) const {
      return {keys.get() + entry.key_offset, entry.key_size_bytes};
    }
  };

  const Block& BlockOf(size_t index) const;
  const ListingEntry& EntryAt(size_t index) const;
  std::string EtagOf(const ListingEntry& entry) const;

  std::vector<Block> blocks_;  // All but the last hold kListingBlockEntries.
  size_t size_ = 0;
  uint64_t total_size_bytes_ = 0;
  std::vector<std::string> storage_classes_;
  std::vector<std::string> etags_elsewhere_;
};

// Entries a block of a Listing: large enough that its bookkeeping vanishes beside 160 KiB of
// entries, small enough that the last block's slack does not matter.
inline constexpr uint32_t kListingBlockEntries = 4096;

inline constexpr uint16_t kEtagPlain = 0;           // 32 hexadecimal digits, no part count.
inline constexpr uint16_t kEtagElsewhere = 0xFFFE;  // Bytes 0 to 3 of `etag`: index of the text.
inline constexpr uint16_t kEtagAbsent = 0xFFFF;

class Listing::Iterator {
 public:
  using value_type = ListedObject;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;

  Iterator() = default;
  Iterator(const Listing* listing, size_t index) : listing_(listing), index_(index) {}
  ListedObject operator*() const { return listing_->At(index_); }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  Iterator operator++(int) { return {listing_, index_++}; }
  bool operator==(const Iterator&) const = default;

 private:
  const Listing* listing_ = nullptr;
  size_t index_ = 0;
};
inline Listing::Iterator Listing::begin() const { return {this, 0}; }
inline Listing::Iterator Listing::end() const { return {this, size_}; }

// Collects objects into a Listing.
// Threads: one at a time. Limits: 255 storage classes, keys of 65,535 bytes, objects of 2^56 - 1
// bytes.
class ListingBuilder {
 public:
  // In any order. kInvalidArgument beyond a limit; the object is then left out.
  Status Add(const ObjectInfo& object);
  // Takes over all objects of a listing.
  Status Append(Listing&& listing);

  size_t size() const { return listing_.size_ + entries_.size(); }

  // Sorts if need be. kInvalidArgument when a key was added twice; the message names it. The
  // builder is empty afterwards.
  Result<Listing> Finish();

 private:
  Status AddEntry(ListingEntry entry, std::string_view key);
  Status AddFrom(const Listing& other, const Listing::Block& block, ListingEntry entry);
  Result<uint8_t> StorageClassIndex(std::string_view name);
  void SetEtagElsewhere(std::string etag, ListingEntry& entry);
  std::string_view LastKey() const;
  void CloseBlock();
  static Result<Listing> Sorted(Listing unsorted);

  Listing listing_;                    // Closed blocks and texts.
  std::vector<ListingEntry> entries_;  // Of the block being filled.
  std::string keys_;
  bool is_sorted_ = true;
};

}  // namespace headrace::plan
