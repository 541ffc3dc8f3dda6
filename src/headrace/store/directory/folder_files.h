// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/checksum.h"
#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace::directory {

// System calls on paths below an open folder. None follows a link that leaves the folder
// (openat2 with RESOLVE_BENEATH), whatever the path says.

// A file or folder below `folder`. Nothing: it is not there, a part of its path is not a folder, or
// a link leads out of the folder.
Result<std::optional<UniqueFd>> OpenBeneath(int folder, std::string_view path, int flags);
// A regular file below `folder` for reading, and its status. Nothing: as above, or it is no file.
struct OpenedFile {
  UniqueFd file;
  struct stat status{};
};
Result<std::optional<OpenedFile>> OpenFileBeneath(int folder, std::string_view path);
// The folder at `path` below `folder`, made with its parents where absent. Nothing: something that
// is no folder is in the way.
Result<std::optional<UniqueFd>> MakeFolders(int folder, std::string_view path, bool syncs);
// Removes the folders of `path` from the innermost outwards while they are empty.
void RemoveEmptyFolders(int folder, std::string_view path);
// Flushes what is known of a folder's entries to the disk.
Status SyncFolder(int folder);

// Appends bytes of one file to another inside the kernel, as shared extents where the file system
// can.
Status CopyBytes(int source, uint64_t offset, uint64_t size_bytes, int target);
Status WriteAll(int file, std::span<const std::byte> bytes);
// kCorrupt when the file ends first.
Status ReadAt(int file, uint64_t offset, std::span<std::byte> target);
// The MD5 of a whole file, in hexadecimal digits.
Result<std::string> Md5OfFile(int file);
// Of all bytes of the file.
Result<Checksum> ChecksumOfFile(int file, ChecksumAlgorithm algorithm);

// Names temporary files in one folder; what is still there at the next start is removed by it.
class TemporaryFolder {
 public:
  // Makes the folder and empties it.
  static Result<TemporaryFolder> Open(int parent, const std::string& name);
  TemporaryFolder(TemporaryFolder&& other) noexcept
      : folder_(std::move(other.folder_)), next_(other.next_.load()) {}

  int folder() const { return folder_.get(); }
  std::string NextName();

 private:
  explicit TemporaryFolder(UniqueFd folder) : folder_(std::move(folder)) {}
  UniqueFd folder_;
  std::atomic<uint64_t> next_ = 0;
};

// A file being written in a TemporaryFolder; removed unless it was moved away.
class TemporaryFile {
 public:
  static Result<TemporaryFile> Make(TemporaryFolder& folder);
  // One more name for a file that is there; `file` is a descriptor of it.
  static Result<TemporaryFile> LinkTo(TemporaryFolder& folder, UniqueFd file);
  TemporaryFile(TemporaryFile&& other) noexcept = default;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept = default;
  ~TemporaryFile();

  int file() const { return file_.get(); }
  // errno of the rename; 0: done.
  int MoveTo(int folder, const std::string& name);

 private:
  TemporaryFile(int folder, std::string name, UniqueFd file)
      : folder_(folder), name_(std::move(name)), file_(std::move(file)) {}
  int folder_;
  std::string name_;
  UniqueFd file_;  // Closed: moved from or moved away.
};

// Calls `each` with the entries of a folder, "." and ".." left out. A folder that could not be read
// to its end is an error.
Status ForEachEntry(int folder, const std::function<void(const dirent&)>& each);
// The names in a folder.
Result<std::vector<std::string>> NamesIn(int folder);
// Removes a folder and everything in it.
void RemoveTree(int parent, const std::string& name);

}  // namespace headrace::directory
