// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/key_walk.h"

namespace headrace::directory {
namespace {

// Odd keys are fetched in batches of this size: a bucket has none or few.
constexpr size_t kOddBatch = 1000;

}  // namespace

std::optional<std::string> AfterPrefix(std::string_view prefix) {
  std::string after(prefix);
  while (!after.empty()) {
    if (static_cast<unsigned char>(after.back()) != 0xFF) {
      after.back() = static_cast<char>(static_cast<unsigned char>(after.back()) + 1);
      return after;
    }
    after.pop_back();
  }
  return std::nullopt;
}

// Enters the folder path_ names.
Status KeyWalk::Push() {
  const std::string folder = path_.empty() ? std::string() : path_.substr(0, path_.size() - 1);
  HR_TRY_ASSIGN(auto names, folders_.Read(bucket_, bucket_folder_, folder));
  // A folder that vanished meanwhile has no names.
  if (!names) names = std::make_shared<const FolderNames>(std::vector<std::string>());
  levels_.push_back({.names = std::move(names), .index = 0, .path_size = path_.size()});
  return Ok();
}

Status KeyWalk::Seek(std::string_view from) {
  levels_.clear();
  path_.clear();
  plain_is_known_ = false;
  odd_.clear();
  odd_index_ = 0;
  odd_from_ = from;
  odd_is_complete_ = false;
  HR_TRY(Push());
  while (true) {
    Level& level = levels_.back();
    level.index = level.names->LowerBound(from);
    // The folder that `from` leads into stands right before it.
    if (level.index == 0) return Ok();
    const std::string_view before = level.names->At(level.index - 1);
    if (!before.ends_with('/') || !from.starts_with(before)) return Ok();
    --level.index;
    from.remove_prefix(before.size());
    path_.append(before);
    HR_TRY(Push());
  }
}

Status KeyWalk::FindPlain() {
  if (plain_is_known_) return Ok();
  plain_is_known_ = true;
  while (!levels_.empty()) {
    Level& level = levels_.back();
    path_.resize(level.path_size);
    if (level.index == level.names->count()) {
      levels_.pop_back();
      if (!levels_.empty()) ++levels_.back().index;
      continue;
    }
    const std::string_view name = level.names->At(level.index);
    if (!name.ends_with('/')) {
      plain_.emplace().reserve(path_.size() + name.size());
      plain_->append(path_).append(name);
      ++level.index;
      return Ok();
    }
    path_.append(name);
    HR_TRY(Push());
  }
  plain_.reset();
  return Ok();
}

Status KeyWalk::FindOdd() {
  if (odd_index_ < odd_.size() || odd_is_complete_) return Ok();
  HR_TRY_ASSIGN(odd_, index_.ListOdd(bucket_, odd_from_, kOddBatch));
  odd_index_ = 0;
  odd_is_complete_ = odd_.size() < kOddBatch;
  // The first text after the last key.
  if (!odd_.empty()) odd_from_ = odd_.back().key + '\0';
  return Ok();
}

Result<std::optional<WalkedKey>> KeyWalk::Next() {
  HR_TRY(FindPlain());
  HR_TRY(FindOdd());
  const OddKey* odd = odd_index_ < odd_.size() ? &odd_[odd_index_] : nullptr;
  if (odd != nullptr && plain_ && odd->key == *plain_) {
    // Between the rename of a plain file and the end of the old record; the file is the newer one.
    ++odd_index_;
    return Next();
  }
  if (odd != nullptr && (!plain_ || odd->key < *plain_)) {
    ++odd_index_;
    return WalkedKey{.key = odd->key, .odd_file = odd->odd_file};
  }
  if (!plain_) return std::nullopt;
  plain_is_known_ = false;
  return WalkedKey{.key = std::move(*plain_), .odd_file = {}};
}

}  // namespace headrace::directory
