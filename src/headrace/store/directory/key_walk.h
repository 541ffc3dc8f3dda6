// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/directory/folder_cache.h"
#include "headrace/store/directory/object_index.h"

namespace headrace::directory {

struct WalkedKey {
  std::string key;
  std::string odd_file;  // Empty: an ordinary file at the key's path.
};

// Walks a bucket's keys in byte order: its folders depth first, and the odd keys between them.
// Threads: one; blocks.
class KeyWalk {
 public:
  // All arguments outlive the walk.
  KeyWalk(FolderCache& folders, ObjectIndex& index, const std::string& bucket, int bucket_folder)
      : folders_(folders), index_(index), bucket_(bucket), bucket_folder_(bucket_folder) {}

  // The next key given is the first one at or after `from`.
  Status Seek(std::string_view from);
  // Nothing: there are no more.
  Result<std::optional<WalkedKey>> Next();

 private:
  struct Level {
    std::shared_ptr<const FolderNames> names;
    size_t index = 0;
    size_t path_size = 0;  // Of path_ in front of this folder's names.
  };
  Status Push();
  // Moves to the next plain key, if it is not there yet.
  Status FindPlain();
  Status FindOdd();

  FolderCache& folders_;
  ObjectIndex& index_;
  const std::string& bucket_;
  const int bucket_folder_;

  std::vector<Level> levels_;
  std::string path_;  // Of the innermost folder: "" or "a/b/".
  std::optional<std::string> plain_;
  bool plain_is_known_ = false;

  std::vector<OddKey> odd_;
  size_t odd_index_ = 0;
  std::string odd_from_;
  bool odd_is_complete_ = false;
};

// The smallest text after every text that begins with `prefix`; nothing when there is none.
std::optional<std::string> AfterPrefix(std::string_view prefix);

}  // namespace headrace::directory
