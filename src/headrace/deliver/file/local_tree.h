// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/deliver/file/entry.h"

namespace headrace::file {

struct LocalTreeOptions {
  // False: symbolic links are passed over.
  bool follow_symlinks = true;
};

// The regular files below a folder, in the byte order of their paths: the order in which a store
// lists them as keys. Holds the names of the folders between the root and the current file.
// What cannot be walked (a folder without permission, a dangling or circular link, a device, a name
// that is not UTF-8) goes to `on_problem`, which names it, and the walk goes on.
// Threads: one. Blocks on the file system.
class LocalTree {
 public:
  // `path` is below the root, a folder's ends with '/'.
  using OnProblem = std::function<void(const std::string& path, const Error&)>;

  // kNotFound, kInvalidArgument (not a folder) or kPermissionDenied when `root` cannot be walked.
  static Result<LocalTree> Open(std::string root, LocalTreeOptions options, OnProblem on_problem);

  // The next file; nothing at the end.
  std::optional<Entry> Next();

 private:
  struct Name {
    std::string text;  // A folder's ends with '/', which puts it where its keys sort.
  };
  struct Folder {
    std::string path;  // Below the root; empty or ending with '/'.
    uint64_t device = 0;
    uint64_t inode = 0;
    std::vector<Name> names;  // Sorted.
    size_t next = 0;
  };

  LocalTree(std::string root, LocalTreeOptions options, OnProblem on_problem);
  Result<Folder> ReadFolder(std::string path) const;
  // What a name in a folder is; nothing when it is passed over.
  std::optional<Name> Classify(const std::string& folder, std::string name, int type) const;
  void Enter(std::string path);
  std::optional<Entry> FileEntry(std::string path) const;

  std::string root_;  // Ends with '/'.
  LocalTreeOptions options_;
  OnProblem on_problem_;
  std::vector<Folder> folders_;  // From the root to the current one.
};

}  // namespace headrace::file
