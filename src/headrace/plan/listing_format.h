// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/plan/listing.h"

namespace headrace::plan {

// The constants of docs/formats/listing.md, for writer and reader. Integers are little-endian.
inline constexpr std::string_view kListingMagic = "hrlist\r\n";
inline constexpr uint32_t kListingVersion = 1;

struct ListingFileHead {
  std::array<char, 8> magic{};
  uint32_t version = kListingVersion;
  uint32_t block_count = 0;
  uint64_t object_count = 0;
  uint32_t texts_bytes = 0;
  uint32_t crc32c = 0;  // Of the head up to here and of the texts.
};
static_assert(sizeof(ListingFileHead) == 32);

struct ListingBlockHead {
  uint32_t entry_count = 0;
  uint32_t key_bytes = 0;
  uint32_t crc32c = 0;  // Of the two counts, entries and keys.
};
static_assert(sizeof(ListingBlockHead) == 12);

// Gives a listing's file as a row of pieces, none larger than a block.
class ListingWriter {
 public:
  explicit ListingWriter(const Listing& listing) : listing_(listing) {}

  // Head and texts.
  std::string Head() const;
  size_t block_count() const { return listing_.blocks_.size(); }
  std::string Block(size_t index) const;

 private:
  const Listing& listing_;
};

// Puts a listing together from the same pieces and checks everything that Listing relies on. Errors
// are kCorrupt and do not name the file.
class ListingReader {
 public:
  // `head` is the file's start; `texts` what follows, texts_bytes long.
  Status ReadHead(const ListingFileHead& head, std::span<const std::byte> texts);
  uint64_t object_count() const { return object_count_; }
  uint32_t block_count() const { return block_count_; }

  // The size of what follows a block's head; kCorrupt when it cannot be right.
  static Result<size_t> BodyBytes(const ListingBlockHead& head);
  Status ReadBlock(const ListingBlockHead& head, std::span<const std::byte> body);

  Result<Listing> Finish() &&;

 private:
  Status CheckEntry(const ListingEntry& entry, const Listing::Block& block, uint32_t key_offset);

  Listing listing_;
  uint64_t object_count_ = 0;
  uint32_t block_count_ = 0;
};

}  // namespace headrace::plan
