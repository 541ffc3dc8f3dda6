// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/folder_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/store/directory/key_path.h"

namespace headrace::directory {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
// A folder can vanish between its making and its use when another request removes it as empty.
constexpr int kMakeAttempts = 16;

bool MeansAbsent(int os_error) {
  return os_error == ENOENT || os_error == ENOTDIR || os_error == ELOOP || os_error == EXDEV ||
         os_error == ENAMETOOLONG;
}

std::unexpected<Error> FileError(std::string_view attempt) {
  return std::unexpected(Error::FromErrno(errno, attempt));
}

int OpenAt2(int folder, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  while (true) {
    const auto opened =
        static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how)));
    // EAGAIN: a rename elsewhere raced with ".." in the path; the kernel asks to try again.
    if (opened >= 0 || (errno != EINTR && errno != EAGAIN)) return opened;
  }
}

template <typename Sum>
Status SumFile(int file, Sum& sum) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return FileError("stat object");
  // Most files that are summed are small: no buffer of 256 KiB for each.
  Buffer buffer(std::clamp<size_t>(static_cast<size_t>(status.st_size) + 1, 1, kReadBytes));
  off_t offset = 0;
  while (true) {
    const ssize_t count = ::pread(file, buffer.span().data(), buffer.size(), offset);
    if (count == 0) return Ok();
    if (count > 0) {
      sum.Update(buffer.span().first(static_cast<size_t>(count)));
      offset += count;
    } else if (errno != EINTR) {
      return FileError("read object");
    }
  }
}

}  // namespace

Result<std::optional<UniqueFd>> OpenBeneath(int folder, std::string_view path, int flags) {
  const std::string name(path.empty() ? std::string_view(".") : path);
  UniqueFd opened(OpenAt2(folder, name, flags));
  if (opened.is_open()) return opened;
  if (MeansAbsent(errno)) return std::nullopt;
  return FileError(fmt::format("open {}", path));
}

Result<std::optional<OpenedFile>> OpenFileBeneath(int folder, std::string_view path) {
  // O_NONBLOCK: a FIFO in the folder must not hang the server.
  HR_TRY_ASSIGN(auto opened, OpenBeneath(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!opened) return std::nullopt;
  OpenedFile found{.file = std::move(*opened)};
  if (::fstat(found.file.get(), &found.status) != 0) return FileError(fmt::format("stat {}", path));
  if (!S_ISREG(found.status.st_mode)) return std::nullopt;
  return found;
}

bool MakeFolder(std::string_view, int parent, const std::string& name) {
  return ::mkdirat(parent, name.c_str(), 0777) == 0;
}

Result<std::optional<UniqueFd>> MakeFolders(int folder, std::string_view path, bool syncs,
                                            const FolderMaker& make) {
  constexpr int kFlags = O_PATH | O_DIRECTORY;
  for (int attempt = 0; attempt < kMakeAttempts; ++attempt) {
    HR_TRY_ASSIGN(auto opened, OpenBeneath(folder, path, kFlags));
    if (opened) return opened;
    if (path.empty()) return std::nullopt;
    HR_TRY_ASSIGN(auto parent, MakeFolders(folder, ParentOf(path), syncs, make));
    if (!parent) return std::nullopt;
    if (make(ParentOf(path), parent->get(), std::string(LastPartOf(path)))) {
      if (syncs) HR_TRY(SyncFolder(parent->get()));
    } else if (errno == EEXIST) {
      HR_TRY_ASSIGN(opened, OpenBeneath(folder, path, kFlags));
      if (!opened) return std::nullopt;
      return opened;
    } else if (errno != ENOENT) {
      return FileError(fmt::format("make folder {}", path));
    }
  }
  return Fail(ErrorCode::kUnavailable, fmt::format("folder {} keeps vanishing", path));
}

void RemoveEmptyFolders(int folder, std::string_view path) {
  while (!path.empty()) {
    const auto parent = OpenBeneath(folder, ParentOf(path), O_PATH | O_DIRECTORY);
    if (!parent || !*parent) return;
    const std::string name(LastPartOf(path));
    if (::unlinkat((*parent)->get(), name.c_str(), AT_REMOVEDIR) != 0) return;
    path = ParentOf(path);
  }
}

Status SyncFolder(int folder) {
  // A descriptor opened with O_PATH cannot be synced itself.
  const UniqueFd readable(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable.is_open() || ::fsync(readable.get()) != 0) return FileError("sync folder");
  return Ok();
}

namespace {

// What copy_file_range says of two files that it cannot copy between.
bool NeedsMemory(int os_error) {
  return os_error == EXDEV || os_error == EOPNOTSUPP || os_error == EINVAL || os_error == ENOSYS;
}

Status CopyThroughMemory(int source, uint64_t offset, uint64_t size_bytes, int target) {
  Buffer buffer(std::clamp<uint64_t>(size_bytes, 1, kReadBytes));
  while (size_bytes > 0) {
    const auto piece = buffer.span().first(std::min<uint64_t>(size_bytes, buffer.size()));
    HR_TRY(ReadAt(source, offset, piece));
    HR_TRY(WriteAll(target, piece));
    offset += piece.size();
    size_bytes -= piece.size();
  }
  return Ok();
}

}  // namespace

Status CopyBytes(int source, uint64_t offset, uint64_t size_bytes, int target) {
  auto position = static_cast<off_t>(offset);
  while (size_bytes > 0) {
    const ssize_t count = ::copy_file_range(source, &position, target, nullptr, size_bytes, 0);
    if (count > 0) {
      size_bytes -= static_cast<uint64_t>(count);
      continue;
    }
    if (count == 0) return Fail(ErrorCode::kCorrupt, "a file became shorter while it was copied");
    if (NeedsMemory(errno)) {
      return CopyThroughMemory(source, static_cast<uint64_t>(position), size_bytes, target);
    }
    if (errno != EINTR) return FileError("copy file");
  }
  return Ok();
}

Status WriteAll(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      return FileError("write object");
    }
  }
  return Ok();
}

Status ReadAt(int file, uint64_t offset, std::span<std::byte> target) {
  while (!target.empty()) {
    const ssize_t count = ::pread(file, target.data(), target.size(), static_cast<off_t>(offset));
    if (count == 0) return Fail(ErrorCode::kCorrupt, "the file is shorter than it was");
    if (count > 0) {
      target = target.subspan(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    } else if (errno != EINTR) {
      return FileError("read object");
    }
  }
  return Ok();
}

Result<std::string> Md5OfFile(int file) {
  RunningDigest digest(DigestKind::kMd5);
  HR_TRY(SumFile(file, digest));
  return HexEncode(AsBytes(digest.Finish()));
}

Result<Checksum> ChecksumOfFile(int file, ChecksumAlgorithm algorithm) {
  RunningChecksum checksum(algorithm);
  HR_TRY(SumFile(file, checksum));
  return checksum.Finish();
}

Result<TemporaryFolder> TemporaryFolder::Open(int parent, const std::string& name) {
  RemoveTree(parent, name);
  HR_TRY_ASSIGN(auto opened, MakeFolders(parent, name, false));
  if (!opened) return Fail(ErrorCode::kAlreadyExists, name + " is in the way and no folder");
  TemporaryFolder folder(std::move(*opened));
  folder.TryNameless();
  return folder;
}

// Needs O_TMPFILE and /proc, which is not everywhere.
void TemporaryFolder::TryNameless() {
  struct stat status{};
  if (::fstat(folder_.get(), &status) != 0) return;
  device_ = status.st_dev;
  takes_nameless_ = true;
  auto file = TemporaryFile::MakeNear(*this, folder_.get());
  const std::string name = NextName();
  takes_nameless_ = file && file->MoveTo(folder_.get(), name) == 0;
  ::unlinkat(folder_.get(), name.c_str(), 0);
}

std::string TemporaryFolder::NextName() {
  return fmt::format("{:x}", next_.fetch_add(1, std::memory_order_relaxed));
}

bool TemporaryFolder::TakesNameless(int folder) const {
  struct stat status{};
  return takes_nameless_ && ::fstat(folder, &status) == 0 && status.st_dev == device_;
}

Result<TemporaryFile> TemporaryFile::Make(TemporaryFolder& folder) {
  std::string name = folder.NextName();
  UniqueFd file(
      ::openat(folder.folder(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.is_open()) return FileError("make temporary file");
  return TemporaryFile(folder, std::move(name), std::move(file));
}

Result<TemporaryFile> TemporaryFile::MakeNear(TemporaryFolder& folder, int near) {
  if (!folder.TakesNameless(near)) return Make(folder);
  UniqueFd file(::openat(near, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0666));
  if (!file.is_open()) return Make(folder);
  return TemporaryFile(folder, "", std::move(file));
}

Result<TemporaryFile> TemporaryFile::LinkTo(TemporaryFolder& folder, UniqueFd file) {
  TemporaryFile linked(folder, "", std::move(file));
  std::string name = folder.NextName();
  if (const int os_error = linked.GiveName(folder.folder(), name); os_error != 0) {
    return std::unexpected(Error::FromErrno(os_error, "link object"));
  }
  linked.name_ = std::move(name);
  linked.is_link_ = true;
  return linked;
}

TemporaryFile::~TemporaryFile() {
  if (file_.is_open() && !name_.empty()) ::unlinkat(folder_->folder(), name_.c_str(), 0);
}

int TemporaryFile::GiveName(int folder, const std::string& name) const {
  const std::string source = fmt::format("/proc/self/fd/{}", file_.get());
  const int linked = ::linkat(AT_FDCWD, source.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW);
  return linked == 0 ? 0 : errno;
}

int TemporaryFile::MoveTo(int folder, const std::string& name) {
  if (name_.empty()) {
    // A new name never replaces one; a second step does.
    if (const int os_error = GiveName(folder, name); os_error != EEXIST) return os_error;
    std::string own_name = folder_->NextName();
    if (const int os_error = GiveName(folder_->folder(), own_name); os_error != 0) return os_error;
    name_ = std::move(own_name);
  }
  if (::renameat(folder_->folder(), name_.c_str(), folder, name.c_str()) != 0) return errno;
  // A rename onto another name of the same file does nothing and says that it did.
  if (is_link_) ::unlinkat(folder_->folder(), name_.c_str(), 0);
  name_.clear();
  return 0;
}

Status ForEachEntry(int folder, const std::function<void(const dirent&)>& each) {
  // A descriptor of its own: the stream closes it, and moves its position.
  UniqueFd readable(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable.is_open()) return FileError("read folder");
  DIR* const opened = ::fdopendir(readable.get());
  if (opened == nullptr) return FileError("read folder");
  (void)readable.Release();
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opened, ::closedir);
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") each(*entry);
  }
  return errno == 0 ? Ok() : FileError("read folder");
}

Result<std::vector<std::string>> NamesIn(int folder) {
  std::vector<std::string> names;
  HR_TRY(ForEachEntry(folder, [&](const dirent& entry) { names.emplace_back(entry.d_name); }));
  return names;
}

void RemoveTree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
  {
    const UniqueFd folder(
        ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.is_open()) return;
    const auto names = NamesIn(folder.get());
    if (!names) return;
    for (const std::string& inner : *names) RemoveTree(folder.get(), inner);
  }
  ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

}  // namespace headrace::directory
