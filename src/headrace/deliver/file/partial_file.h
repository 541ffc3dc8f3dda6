// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace::file {

// In the name of every file that is not complete yet: ".<name>.<random>.headrace-part" in the
// target's own folder, so that the rename stays on one file system and a left-over is recognised.
inline constexpr std::string_view kPartialSuffix = ".headrace-part";
// True for such a name: its random part is 12 hexadecimal digits, so that no user's own file is
// taken for one.
bool IsPartialName(std::string_view name);

// A partial file that nobody has written to for so long, and that no process holds, is nobody's:
// longer than a file system that keeps no locks between its hosts takes to see a write.
inline constexpr std::chrono::minutes kPartialAge(1);
// Removes what killed processes left below `folder`: partial files that nobody has written to
// since `unwritten_since` and that no process holds (flock(2), which ends with its process).
// Follows no link; what cannot be looked at or removed stays.
void RemovePartialFiles(const std::string& folder, SystemTime unwritten_since);

// The same for the folders that files go into, none of what lies below them: each is looked
// through before its first file.
// Threads: one.
class PartialSweep {
 public:
  explicit PartialSweep(SystemTime unwritten_since) : unwritten_since_(unwritten_since) {}

  // Before a file is made at `path`. In byte order of the paths no folder is looked through twice.
  void Before(const std::string& path);

 private:
  const SystemTime unwritten_since_;
  std::vector<std::string> folders_;  // Looked through, each below the one before it.
};

// A file on its way: written under a temporary name, visible under its own only when complete, and
// locked until then.
// Dropping it uncommitted removes the temporary file and leaves what was at the target as it was.
// Threads: GiveRoomBack may run beside a WriteAt; otherwise one at a time.
class PartialFile {
 public:
  // Makes the folders on the way. The errors name the path and say whether the disk is full, the
  // folder not writable, a file stands where a folder is needed, or a device or pipe at the target.
  static Result<PartialFile> Create(const std::string& path);
  PartialFile(PartialFile&&) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  // Reserves room, so that a full disk is noticed before hours of download. 0 is fine.
  Status Reserve(uint64_t size_bytes);
  Status WriteAt(std::span<const std::byte> bytes, uint64_t offset);
  // What has been written and reserved goes back to the disk; the file will not be committed. May
  // run beside WriteAt, whose bytes then take room until the end.
  void GiveRoomBack();
  // Sets the modification time unless it is the epoch, makes the bytes durable when `sync`, checks
  // the size and renames into place.
  Status Commit(uint64_t size_bytes, SystemTime modified, bool sync);

 private:
  PartialFile(UniqueFd fd, std::string path, std::string temporary_path);

  UniqueFd fd_;
  std::string path_;
  std::string temporary_path_;  // Empty once committed.
};

}  // namespace headrace::file
