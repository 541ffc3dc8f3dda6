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
// Makes the folder `name` in the open folder `parent`, whose path is `parent_path`. False: errno
// says why.
using FolderMaker =
    std::function<bool(std::string_view parent_path, int parent, const std::string& name)>;
bool MakeFolder(std::string_view parent_path, int parent, const std::string& name);
// The folder at `path` below `folder`, made with its parents where absent. Nothing: something that
// is no folder is in the way.
Result<std::optional<UniqueFd>> MakeFolders(int folder, std::string_view path, bool syncs,
                                            const FolderMaker& make = MakeFolder);
// Removes the folders of `path` from the innermost outwards while they are empty.
void RemoveEmptyFolders(int folder, std::string_view path);
// Flushes what is known of a folder's entries to the disk.
Status SyncFolder(int folder);

// Appends bytes of one file to another inside the kernel, as shared extents where the file system
// can; through memory where the kernel cannot, as between two file systems.
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
      : folder_(std::move(other.folder_)),
        next_(other.next_.load()),
        device_(other.device_),
        takes_nameless_(other.takes_nameless_) {}

  int folder() const { return folder_.get(); }
  std::string NextName();
  // Whether a file that is made without a name in `folder` can be given one there and here.
  bool TakesNameless(int folder) const;

 private:
  explicit TemporaryFolder(UniqueFd folder) : folder_(std::move(folder)) {}
  void TryNameless();

  UniqueFd folder_;
  std::atomic<uint64_t> next_ = 0;
  dev_t device_ = 0;
  bool takes_nameless_ = false;
};

// A file being written that is gone unless it was moved to where it is to be. The TemporaryFolder
// outlives it.
class TemporaryFile {
 public:
  // With a name in the TemporaryFolder.
  static Result<TemporaryFile> Make(TemporaryFolder& folder);
  // Without a name where the file system can do that, in the folder `near` or in one beside it.
  // File systems keep a folder's inodes together, and ext4 takes long to find a new one where many
  // were given back lately: not all objects should be born in one and the same folder.
  static Result<TemporaryFile> MakeNear(TemporaryFolder& folder, int near);
  // One more name for a file that is there; `file` is a descriptor of it.
  static Result<TemporaryFile> LinkTo(TemporaryFolder& folder, UniqueFd file);
  TemporaryFile(TemporaryFile&& other) noexcept = default;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept = default;
  ~TemporaryFile();

  int file() const { return file_.get(); }
  // errno of the rename; 0: done.
  int MoveTo(int folder, const std::string& name);

 private:
  TemporaryFile(TemporaryFolder& folder, std::string name, UniqueFd file)
      : folder_(&folder), name_(std::move(name)), file_(std::move(file)) {}
  // errno; 0: done.
  int GiveName(int folder, const std::string& name) const;

  TemporaryFolder* folder_;
  std::string name_;      // Empty: it has none (yet), or was moved away.
  bool is_link_ = false;  // The file has other names.
  UniqueFd file_;         // Closed: moved from or moved away.
};

// Calls `each` with the entries of a folder, "." and ".." left out. A folder that could not be read
// to its end is an error.
Status ForEachEntry(int folder, const std::function<void(const dirent&)>& each);
// The names in a folder.
Result<std::vector<std::string>> NamesIn(int folder);
// Removes a folder and everything in it.
void RemoveTree(int parent, const std::string& name);

}  // namespace headrace::directory
