// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/store/directory/folder_names.h"

namespace headrace::directory {

// Keeps the names of folders last listed, as long as a folder's modification time stays what it
// was. Changes that this process makes itself are followed where the file system's times are fine
// enough to tell them from another process's.
// Threads: all methods may be called at once from any thread; blocks.
class FolderCache {
 public:
  // `has_fine_times`: every change that follows a look at the folder's time changes that time
  // (HasFineTimes).
  FolderCache(size_t size_bytes_max, bool has_fine_times)
      : size_bytes_max_(size_bytes_max), has_fine_times_(has_fine_times) {}

  // The names in the folder at `path` ("" or "a/b") below the open folder of `bucket`. Null: there
  // is no such folder.
  Result<std::shared_ptr<const FolderNames>> Read(const std::string& bucket, int bucket_folder,
                                                  const std::string& path);

  // Runs `change`, which adds or removes the file `file_name` ("name/": a folder) of the open
  // folder `folder` and says whether it did, and keeps what is known of the folder true.
  enum class Edit : uint8_t { kAdd, kRemove };
  template <typename Change>
  bool Apply(const std::string& name_of_folder, int folder, Edit edit, std::string_view file_name,
             Change change) {
    if (!has_fine_times_) return change();
    // Taken over the system call on purpose: the change must be the only one between two looks at
    // the folder's time.
    const MutexLock lock(
        change_locks_[std::hash<std::string>()(name_of_folder) % change_locks_.size()]);
    const Stamp before = StampOf(folder);
    const bool is_done = change();
    if (is_done) Follow(name_of_folder, before, StampOf(folder), edit, file_name);
    return is_done;
  }
  static std::string NameOf(const std::string& bucket, std::string_view path) {
    return std::string(bucket).append("/").append(path);
  }

 private:
  // One state of a folder; an inode of 0 is none.
  struct Stamp {
    uint64_t inode = 0;
    int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp StampOf(int folder);
  void Follow(const std::string& name, const Stamp& before, const Stamp& after, Edit edit,
              std::string_view file_name) HR_EXCLUDES(mutex_);

  struct Entry {
    std::shared_ptr<const FolderNames> names;
    Stamp stamp;
    std::list<std::string>::iterator use;
  };
  std::shared_ptr<const FolderNames> Find(const std::string& name, const Stamp& stamp)
      HR_EXCLUDES(mutex_);
  void Keep(const std::string& name, Entry entry) HR_EXCLUDES(mutex_);
  void Remove(std::map<std::string, Entry>::iterator entry) HR_REQUIRES(mutex_);

  const size_t size_bytes_max_;
  const bool has_fine_times_;
  std::array<Mutex, 16> change_locks_;
  Mutex mutex_;
  std::map<std::string, Entry> entries_ HR_GUARDED_BY(mutex_);
  std::list<std::string> uses_ HR_GUARDED_BY(mutex_);  // Newest first.
  size_t size_bytes_ HR_GUARDED_BY(mutex_) = 0;
};

// True when the file system stamps each change of a folder that was looked at with a time of its
// own (Linux 6.13 and later on ext4, XFS, btrfs and tmpfs), rather than with the kernel's tick.
// `folder`: one to try it in, with files of no other name than ".times-…".
bool HasFineTimes(int folder);

}  // namespace headrace::directory
