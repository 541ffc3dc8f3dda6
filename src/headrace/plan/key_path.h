// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"

namespace headrace::plan {

// The longest part of a path that common file systems take (NAME_MAX).
inline constexpr size_t kPathPartBytesMax = 255;

// `key` fit for one line of a message: control characters and bytes that are not UTF-8 as \xNN.
std::string ShownKey(std::string_view key);

// Where the object `key` lands below the directory that receives everything with `prefix`, which
// the key must start with. docs/decisions/0010-key-to-path.md has the reasons.
//
//   prefix        key                  path
//   data/train/   data/train/a/b       a/b           the prefix is a folder
//   data/train    data/train/a/b       a/b           and may leave out its slash
//   data/x.gz     data/x.gz            x.gz          the prefix is one object
//   data/train    data/training2/x     training2/x   a name is never cut
//
// Nothing for a key that ends in '/': a folder marker, which no mode delivers.
// kInvalidArgument, naming the key, for a path that cannot be a plain file below the directory: an
// empty or blank part (so also a leading '/'), ".", "..", a NUL, a part over 255 bytes.
Result<std::optional<std::string>> KeyPath(std::string_view prefix, std::string_view key);

// KeyPath over a whole listing: also refuses what cannot stand side by side in one directory tree.
//
// Threads: one at a time. Limits: remembers the keys that the current one starts with (at most as
// many as a key has bytes) and two more.
class KeyPathChecker {
 public:
  explicit KeyPathChecker(std::string prefix);

  // As KeyPath. Keys must come in strictly ascending byte order. kInvalidArgument as well, naming
  // both keys, when an object would be a file and a folder at once, or when a prefix without its
  // slash gathers a folder and names beside it that could land on the same path.
  Result<std::optional<std::string>> Next(std::string_view key);

 private:
  Status CheckFileAndFolder(std::string_view key);
  Status CheckBesideFolder(std::string_view key, std::string_view path);

  std::string prefix_;
  std::string last_name_;  // Of the prefix, after its last '/'. Empty: nothing lies beside.
  // Objects before the current key, each a string prefix of the next and of the current key.
  std::vector<std::string> starts_;
  std::string beside_;  // The first key that continues the prefix without '/', or is the prefix.
  std::string below_;   // The first key below "<prefix>/" whose path starts with last_name_.
};

// Whether a folder view (mode FastFile) of a prefix without '/' at its end is unambiguous: the only
// key is the prefix itself, or every key continues it with '/'. Feed all keys, in any order.
class FolderPrefixChecker {
 public:
  explicit FolderPrefixChecker(std::string prefix) : prefix_(std::move(prefix)) {}
  // kInvalidArgument names the first key that clashes.
  Status Next(std::string_view key);

 private:
  enum class Kind { kUnknown, kObject, kFolder };
  std::string prefix_;
  Kind kind_ = Kind::kUnknown;
};

}  // namespace headrace::plan
