// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"

namespace headrace::directory {

// The sorted names of a folder: files as "name", folders as "name/", in byte order, which makes the
// order of a depth-first walk the byte order of the keys.
class FolderNames {
 public:
  explicit FolderNames(std::vector<std::string> names);

  size_t count() const { return offsets_.size() - 1; }
  std::string_view At(size_t index) const {
    return std::string_view(text_).substr(offsets_[index], offsets_[index + 1] - offsets_[index]);
  }
  // The first name at or after `text`.
  size_t LowerBound(std::string_view text) const;
  size_t size_bytes() const { return text_.capacity() + offsets_.capacity() * sizeof(uint32_t); }

 private:
  std::string text_;  // All names, one after the other.
  std::vector<uint32_t> offsets_;
};

// Keeps the names of folders last listed, as long as a folder's modification time stays what it
// was. Threads: all methods may be called at once from any thread; blocks.
class FolderCache {
 public:
  explicit FolderCache(size_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}

  // The names in the folder at `path` ("" or "a/b") below the open folder of `bucket`. Null: there
  // is no such folder.
  Result<std::shared_ptr<const FolderNames>> Read(const std::string& bucket, int bucket_folder,
                                                  const std::string& path);

 private:
  struct Entry {
    std::shared_ptr<const FolderNames> names;
    uint64_t inode = 0;
    int64_t modified_ns = 0;
    std::list<std::string>::iterator use;
  };
  std::shared_ptr<const FolderNames> Find(const std::string& name, uint64_t inode,
                                          int64_t modified_ns) HR_EXCLUDES(mutex_);
  void Keep(const std::string& name, Entry entry) HR_EXCLUDES(mutex_);
  void Remove(std::map<std::string, Entry>::iterator entry) HR_REQUIRES(mutex_);

  const size_t size_bytes_max_;
  Mutex mutex_;
  std::map<std::string, Entry> entries_ HR_GUARDED_BY(mutex_);
  std::list<std::string> uses_ HR_GUARDED_BY(mutex_);  // Newest first.
  size_t size_bytes_ HR_GUARDED_BY(mutex_) = 0;
};

}  // namespace headrace::directory
