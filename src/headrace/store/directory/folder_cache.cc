// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/folder_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "headrace/base/clock.h"
#include "headrace/base/file_time.h"
#include "headrace/store/directory/folder_files.h"

namespace headrace::directory {
namespace {

// File systems stamp with the kernel's tick (4 ms): a change right after a scan can leave the time
// the scan saw. Names of a folder that young are not kept where times are that coarse.
constexpr std::chrono::milliseconds kTooYoung{50};
// An empty entry costs this much of the limit too.
constexpr size_t kEntryBytes = 256;

// 'f' a file, 'd' a folder, 0 neither.
char KindOf(int folder, int bucket_folder, const std::string& path, const dirent& entry) {
  if (entry.d_type == DT_REG) return 'f';
  if (entry.d_type == DT_DIR) return 'd';
  if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return 0;
  struct stat status{};
  if (::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  if (S_ISREG(status.st_mode)) return 'f';
  if (S_ISDIR(status.st_mode)) return 'd';
  // A link counts when it leads to a file inside the bucket. Linked folders are not walked: they
  // could form a circle.
  const std::string whole = path.empty() ? entry.d_name : path + "/" + entry.d_name;
  const auto target = OpenFileBeneath(bucket_folder, whole);
  return target && *target ? 'f' : 0;
}

Result<std::vector<std::string>> Scan(int folder, int bucket_folder, const std::string& path) {
  std::vector<std::string> names;
  HR_TRY(ForEachEntry(folder, [&](const dirent& entry) {
    const char kind = KindOf(folder, bucket_folder, path, entry);
    if (kind == 'f') names.emplace_back(entry.d_name);
    if (kind == 'd') names.push_back(std::string(entry.d_name) + "/");
  }));
  return names;
}

}  // namespace

FolderCache::Stamp FolderCache::StampOf(int folder) {
  struct stat status{};
  if (::fstat(folder, &status) != 0) return {};
  return {.inode = status.st_ino, .modified_ns = ModifiedOf(status).time_since_epoch().count()};
}

Result<std::shared_ptr<const FolderNames>> FolderCache::Read(const std::string& bucket,
                                                             int bucket_folder,
                                                             const std::string& path) {
  HR_TRY_ASSIGN(auto folder, OpenBeneath(bucket_folder, path, O_RDONLY | O_DIRECTORY));
  if (!folder) return std::shared_ptr<const FolderNames>();
  const Stamp stamp = StampOf(folder->get());
  if (stamp.inode == 0) return std::unexpected(Error::FromErrno(errno, "stat folder " + path));
  const std::string name = NameOf(bucket, path);
  if (auto kept = Find(name, stamp)) return kept;
  const SystemTime started = RealClock().WallNow();
  HR_TRY_ASSIGN(auto scanned, Scan(folder->get(), bucket_folder, path));
  auto names = std::make_shared<const FolderNames>(std::move(scanned));
  const auto age = started - SystemTime(std::chrono::nanoseconds(stamp.modified_ns));
  if (has_fine_times_ || age > kTooYoung) Keep(name, {.names = names, .stamp = stamp});
  return names;
}

std::shared_ptr<const FolderNames> FolderCache::Find(const std::string& name, const Stamp& stamp) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  if (found->second.stamp != stamp) {
    Remove(found);
    return nullptr;
  }
  uses_.splice(uses_.begin(), uses_, found->second.use);
  return found->second.names;
}

void FolderCache::Follow(const std::string& name, const Stamp& before, const Stamp& after,
                         Edit edit, std::string_view file_name) {
  Entry entry;
  {
    const MutexLock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.stamp != before || before == after) return;
    entry.names = found->second.names;
  }
  // Copied outside the lock; the change lock keeps other followers of this folder away.
  entry.names = std::make_shared<const FolderNames>(
      edit == Edit::kAdd ? entry.names->With(file_name) : entry.names->Without(file_name));
  entry.stamp = after;
  Keep(name, std::move(entry));
}

void FolderCache::Keep(const std::string& name, Entry entry) {
  const MutexLock lock(mutex_);
  if (const auto old = entries_.find(name); old != entries_.end()) Remove(old);
  size_bytes_ += entry.names->size_bytes() + kEntryBytes;
  uses_.push_front(name);
  entry.use = uses_.begin();
  entries_.emplace(name, std::move(entry));
  while (size_bytes_ > size_bytes_max_ && entries_.size() > 1) {
    Remove(entries_.find(uses_.back()));
  }
}

void FolderCache::Remove(std::map<std::string, Entry>::iterator entry) {
  size_bytes_ -= entry->second.names->size_bytes() + kEntryBytes;
  uses_.erase(entry->second.use);
  entries_.erase(entry);
}

bool HasFineTimes(int folder) {
  // Eight changes take microseconds; a tick is 1 to 10 ms.
  constexpr int kChanges = 8;
  int64_t last_ns = 0;
  bool all_differ = true;
  for (int i = 0; i < kChanges; ++i) {
    const std::string name = ".times-" + std::to_string(i);
    const UniqueFd file(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    struct stat status{};
    if (!file.is_open() || ::fstat(folder, &status) != 0) return false;
    all_differ = all_differ && ModifiedOf(status).time_since_epoch().count() != last_ns;
    last_ns = ModifiedOf(status).time_since_epoch().count();
    ::unlinkat(folder, name.c_str(), 0);
  }
  return all_differ;
}

}  // namespace headrace::directory
