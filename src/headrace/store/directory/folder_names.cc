// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/folder_names.h"

#include <algorithm>
#include <ranges>

namespace headrace::directory {
namespace {

// A change copies one block (10 KiB of usual names) and the list of blocks (2,000 pointers for a
// million names); blocks of this size make both cost about the same.
constexpr size_t kBlockNames = 512;

}  // namespace

FolderNames::Block::Block(const std::vector<std::string_view>& names) {
  size_t size = 0;
  for (const std::string_view name : names) size += name.size();
  text.reserve(size);
  offsets.reserve(names.size() + 1);
  for (const std::string_view name : names) {
    offsets.push_back(static_cast<uint32_t>(text.size()));
    text.append(name);
  }
  offsets.push_back(static_cast<uint32_t>(text.size()));
}

size_t FolderNames::Block::LowerBound(std::string_view name) const {
  const auto indices = std::views::iota(size_t{0}, count());
  return static_cast<size_t>(
      std::ranges::lower_bound(indices, name, {}, [this](size_t index) { return At(index); }) -
      indices.begin());
}

size_t FolderNames::Block::size_bytes() const {
  return sizeof(Block) + text.capacity() + offsets.capacity() * sizeof(uint32_t);
}

FolderNames::FolderNames(std::vector<std::string> names) {
  std::ranges::sort(names);
  std::vector<std::string_view> piece;
  piece.reserve(kBlockNames);
  for (size_t begin = 0; begin < names.size(); begin += kBlockNames) {
    const size_t end = std::min(begin + kBlockNames, names.size());
    piece.assign(names.begin() + static_cast<ptrdiff_t>(begin),
                 names.begin() + static_cast<ptrdiff_t>(end));
    blocks_.push_back(std::make_shared<const Block>(piece));
  }
  Index();
}

void FolderNames::Index() {
  starts_.clear();
  starts_.reserve(blocks_.size() + 1);
  size_t start = 0;
  size_bytes_ = sizeof(FolderNames);
  for (const auto& block : blocks_) {
    starts_.push_back(start);
    start += block->count();
    size_bytes_ += block->size_bytes() + sizeof(block) + sizeof(size_t);
  }
  starts_.push_back(start);
}

std::string_view FolderNames::At(size_t index) const {
  const auto after = std::ranges::upper_bound(starts_, index);
  const auto block = static_cast<size_t>(after - starts_.begin()) - 1;
  return blocks_[block]->At(index - starts_[block]);
}

size_t FolderNames::BlockOf(std::string_view name) const {
  const auto after = std::ranges::upper_bound(
      blocks_, name, {}, [](const std::shared_ptr<const Block>& block) { return block->At(0); });
  return after == blocks_.begin() ? 0 : static_cast<size_t>(after - blocks_.begin()) - 1;
}

size_t FolderNames::LowerBound(std::string_view text) const {
  if (blocks_.empty()) return 0;
  const size_t block = BlockOf(text);
  return starts_[block] + blocks_[block]->LowerBound(text);
}

FolderNames FolderNames::Changed(std::string_view name, bool is_there) const {
  FolderNames changed;
  changed.blocks_ = blocks_;
  const size_t home = blocks_.empty() ? 0 : BlockOf(name);
  std::vector<std::string_view> names;
  if (!blocks_.empty()) {
    const Block& block = *blocks_[home];
    for (size_t index = 0; index < block.count(); ++index) names.push_back(block.At(index));
    changed.blocks_.erase(changed.blocks_.begin() + static_cast<ptrdiff_t>(home));
  }
  const auto place = std::ranges::lower_bound(names, name);
  const bool was_there = place != names.end() && *place == name;
  if (is_there && !was_there) names.insert(place, name);
  if (!is_there && was_there) names.erase(place);
  const auto insert = [&](size_t begin, size_t end, size_t at) {
    if (begin == end) return;
    const std::vector<std::string_view> piece(names.begin() + static_cast<ptrdiff_t>(begin),
                                              names.begin() + static_cast<ptrdiff_t>(end));
    changed.blocks_.insert(changed.blocks_.begin() + static_cast<ptrdiff_t>(at),
                           std::make_shared<const Block>(piece));
  };
  const bool splits = names.size() > 2 * kBlockNames;
  const size_t middle = splits ? names.size() / 2 : names.size();
  insert(middle, names.size(), home);
  insert(0, middle, home);
  changed.Index();
  return changed;
}

}  // namespace headrace::directory
