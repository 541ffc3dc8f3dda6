// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/partial_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/base/random.h"

namespace headrace::file {
namespace {

// NAME_MAX of every Linux file system in use.
constexpr size_t kNameBytesMax = 255;

constexpr size_t kRandomDigits = 12;

// At most so much in one write: the kernel allots page cache in pieces as large as a write, and
// large ones are the memory that a virtual machine's host has taken back. 64 KiB to 128 KiB took
// 0.2 to 0.3 s of processor time a GiB, 256 KiB 0.3 to 0.8, 1 MiB and more over 1 s (ext4, kernel
// 6.18).
constexpr size_t kWriteBytesMax = 64 * 1024;

std::string TemporaryPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string tail = "." + RandomHex(kRandomDigits / 2) + std::string(kPartialSuffix);
  name = name.substr(0, kNameBytesMax - 1 - tail.size());
  return folder + "." + name + tail;
}

std::unexpected<Error> Failure(int os_error, const std::string& attempt) {
  Error error = Error::FromErrno(os_error, attempt);
  if (os_error == ENOSPC || os_error == EDQUOT) {
    return std::unexpected(Error(ErrorCode::kResourceExhausted,
                                 attempt + ": the disk is full; free some space and run again",
                                 error.origin()));
  }
  if (os_error == ENOTDIR || os_error == EEXIST) {
    return std::unexpected(Error(ErrorCode::kInvalidArgument,
                                 attempt + ": a file stands where a folder is needed",
                                 error.origin()));
  }
  return std::unexpected(std::move(error));
}

Status MakeFolder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return Ok();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Failure(error.value(), "make folder " + folder.string());
  return Ok();
}

// A rename would put a plain file in the place of a device, pipe or socket: of /dev/null, say.
Status CheckTarget(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              path + ": it is no plain file, so it stays; remove it or choose another target");
}

Status SyncFolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string name = folder.empty() ? "." : folder.string();
  const UniqueFd fd(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || fsync(fd.get()) != 0) return Failure(errno, "sync folder " + name);
  return Ok();
}

// Writable: that is what a network file system needs for an exclusive lock. Unlinked while locked,
// so that nobody takes it up meanwhile. What cannot be locked (another user's, or on a file system
// without locks) may be in use, and stays.
void RemoveUnheld(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open() || flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return;
  unlink(path.c_str());
}

void RemoveIfDead(const std::filesystem::path& path, SystemTime unwritten_since) {
  struct stat status{};
  if (!IsPartialName(path.filename().native())) return;
  if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (ModifiedOf(status) <= unwritten_since) RemoveUnheld(path.native());
}

timespec ToTimespec(SystemTime time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {.tv_sec = seconds.count(), .tv_nsec = (since - seconds).count()};
}

}  // namespace

bool IsPartialName(std::string_view name) {
  // "." and at least one character of the target's name, then "." and the digits.
  constexpr size_t kAroundBytes = 2 + 1 + kRandomDigits;
  if (!name.starts_with('.') || !name.ends_with(kPartialSuffix)) return false;
  name.remove_suffix(kPartialSuffix.size());
  if (name.size() < kAroundBytes || name[name.size() - kRandomDigits - 1] != '.') return false;
  return std::ranges::all_of(name.substr(name.size() - kRandomDigits), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

void RemovePartialFiles(const std::string& folder, SystemTime unwritten_since) {
  namespace fs = std::filesystem;
  std::error_code failure;
  fs::recursive_directory_iterator walk(folder, fs::directory_options::skip_permission_denied,
                                        failure);
  for (; !failure && walk != fs::recursive_directory_iterator(); walk.increment(failure)) {
    RemoveIfDead(walk->path(), unwritten_since);
  }
}

void PartialSweep::Before(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  while (!folders_.empty() && !folder.starts_with(folders_.back())) folders_.pop_back();
  if (!folders_.empty() && folders_.back() == folder) return;
  namespace fs = std::filesystem;
  std::error_code failure;
  fs::directory_iterator walk(folder.empty() ? "." : folder, failure);
  for (; !failure && walk != fs::directory_iterator(); walk.increment(failure)) {
    RemoveIfDead(walk->path(), unwritten_since_);
  }
  folders_.push_back(folder);
}

PartialFile::PartialFile(UniqueFd fd, std::string path, std::string temporary_path)
    : fd_(std::move(fd)), path_(std::move(path)), temporary_path_(std::move(temporary_path)) {}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      temporary_path_(std::exchange(other.temporary_path_, {})) {}

PartialFile::~PartialFile() {
  if (temporary_path_.empty()) return;
  unlink(temporary_path_.c_str());
}

Result<PartialFile> PartialFile::Create(const std::string& path) {
  HR_TRY(CheckTarget(path));
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const std::string temporary_path = TemporaryPath(path);
  UniqueFd fd(open(temporary_path.c_str(), kFlags, 0666));
  if (!fd.is_open() && errno == ENOENT) {
    // Making the folders only after a miss saves their check for every further file.
    HR_TRY(MakeFolder(path));
    fd = UniqueFd(open(temporary_path.c_str(), kFlags, 0666));
  }
  if (!fd.is_open()) return Failure(errno, "create " + path);
  // Where a file system has no locks, the age of a piece alone keeps it.
  (void)!flock(fd.get(), LOCK_EX | LOCK_NB);
  return PartialFile(std::move(fd), path, temporary_path);
}

Status PartialFile::Reserve(uint64_t size_bytes) {
  if (size_bytes == 0) return Ok();
  // Not posix_fallocate: where the file system cannot reserve, that writes into every block of it.
  int outcome = 0;
  do {
    outcome = fallocate(fd_.get(), 0, 0, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
  } while (outcome == EINTR);
  // Some file systems cannot reserve; they still write.
  if (outcome == 0 || outcome == EOPNOTSUPP || outcome == EINVAL || outcome == ENOSYS) return Ok();
  return Failure(outcome, "reserve room for " + path_);
}

Status PartialFile::WriteAt(std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const size_t size_bytes = std::min(bytes.size(), kWriteBytesMax);
    const ssize_t written = pwrite(fd_.get(), bytes.data(), size_bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure(errno, "write " + path_);
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return Ok();
}

void PartialFile::GiveRoomBack() {
  // Should it fail, the room comes back with the end of the file.
  (void)!ftruncate(fd_.get(), 0);
}

Status PartialFile::Commit(uint64_t size_bytes, SystemTime modified, bool sync) {
  struct stat status{};
  if (fstat(fd_.get(), &status) != 0) return Failure(errno, "stat " + path_);
  if (static_cast<uint64_t>(status.st_size) != size_bytes) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes where {} were fetched", path_,
                                                 status.st_size, size_bytes));
  }
  if (modified != SystemTime{}) {
    const std::array<timespec, 2> times{ToTimespec(modified), ToTimespec(modified)};
    if (futimens(fd_.get(), times.data()) != 0) return Failure(errno, "set the time of " + path_);
  }
  if (sync && fsync(fd_.get()) != 0) return Failure(errno, "sync " + path_);
  // Holds the lock until the file has its name: its time may be long past.
  const UniqueFd lock(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  // Network file systems report a delayed write error only when the file is closed.
  if (close(fd_.Release()) != 0) return Failure(errno, "close " + path_);
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    const int os_error = errno;
    if (os_error == EISDIR || os_error == ENOTEMPTY || os_error == EEXIST) {
      return Fail(ErrorCode::kInvalidArgument, path_ + ": a folder stands where the file belongs");
    }
    return Failure(os_error, "rename into " + path_);
  }
  temporary_path_.clear();
  return sync ? SyncFolderOf(path_) : Ok();
}

}  // namespace headrace::file
