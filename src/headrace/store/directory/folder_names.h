// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headrace::directory {

// The sorted names of a folder: files as "name", folders as "name/", in byte order, which makes the
// order of a depth-first walk the byte order of the keys. Immutable; a changed copy shares nearly
// all of its names with the original, so that one more name in a folder of a million costs
// microseconds.
class FolderNames {
 public:
  explicit FolderNames(std::vector<std::string> names);

  size_t count() const { return starts_.back(); }
  std::string_view At(size_t index) const;
  // The first name at or after `text`.
  size_t LowerBound(std::string_view text) const;
  size_t size_bytes() const { return size_bytes_; }

  // A copy that holds `name`, or does not.
  FolderNames With(std::string_view name) const { return Changed(name, true); }
  FolderNames Without(std::string_view name) const { return Changed(name, false); }

 private:
  struct Block {
    explicit Block(const std::vector<std::string_view>& names);
    size_t count() const { return offsets.size() - 1; }
    std::string_view At(size_t index) const {
      return std::string_view(text).substr(offsets[index], offsets[index + 1] - offsets[index]);
    }
    size_t LowerBound(std::string_view name) const;
    size_t size_bytes() const;

    std::string text;  // All names, one after the other.
    std::vector<uint32_t> offsets;
  };
  FolderNames() = default;
  FolderNames Changed(std::string_view name, bool is_there) const;
  // The block that holds a name, or would.
  size_t BlockOf(std::string_view name) const;
  void Index();

  std::vector<std::shared_ptr<const Block>> blocks_;  // None is empty.
  std::vector<size_t> starts_ = {0};  // Index of each block's first name; then the count of all.
  size_t size_bytes_ = 0;
};

}  // namespace headrace::directory
