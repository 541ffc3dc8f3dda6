// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/encoding.h"
#include "headrace/base/unique_fd.h"
#include "headrace/deliver/file/stream_upload.h"
#include "headrace/format/gzip_encoder.h"

namespace headrace::job {
namespace {

using format::TarEntry;

std::unexpected<Error> FailureAt(std::string_view attempt, const std::string& path) {
  return std::unexpected(Error::FromErrno(errno, fmt::format("{} {}", attempt, path)));
}

struct CloseFolder {
  void operator()(DIR* stream) const { closedir(stream); }
};

Result<std::vector<std::string>> NamesIn(const std::string& folder) {
  const std::unique_ptr<DIR, CloseFolder> stream(opendir(folder.c_str()));
  if (!stream) return FailureAt("read folder", folder);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return FailureAt("read folder", folder);
  std::ranges::sort(names);
  return names;
}

// A folder by what it is, not by how it was reached.
using FolderIdentity = std::pair<dev_t, ino_t>;

// File systems of the kernel's own, whose files have no size and come and go as they are read.
bool IsMadeUp(const std::string& path) {
  struct statfs system{};
  if (statfs(path.c_str(), &system) != 0) return false;
  constexpr std::array<int64_t, 5> kKinds{PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC,
                                          TRACEFS_MAGIC, CGROUP2_SUPER_MAGIC};
  return std::ranges::find(kKinds, static_cast<int64_t>(system.f_type)) != kKinds.end();
}

class Scanner {
 public:
  Status Scan(const std::string& folder, const std::string& name) {
    struct stat found{};
    if (stat(folder.c_str(), &found) != 0) return FailureAt("look at", folder);
    HR_TRY_ASSIGN(const std::vector<std::string> names, NamesIn(folder));
    open_folders_.emplace_back(found.st_dev, found.st_ino);
    for (const std::string& child : names) {
      const Status added = Add(folder + "/" + child, name.empty() ? child : name + "/" + child);
      if (!added) contents_.unreadable.push_back(added.error());
    }
    open_folders_.pop_back();
    return Ok();
  }
  ArchiveContents Take() { return std::move(contents_); }

 private:
  Status Add(const std::string& path, const std::string& name) {
    struct stat found{};
    const bool leads_somewhere = stat(path.c_str(), &found) == 0;
    const bool is_open_folder =
        leads_somewhere && S_ISDIR(found.st_mode) &&
        std::ranges::find(open_folders_, FolderIdentity(found.st_dev, found.st_ino)) !=
            open_folders_.end();
    if (!leads_somewhere || is_open_folder) return AddLink(path, name);
    const bool is_elsewhere = found.st_dev != open_folders_.back().first;
    const bool is_folder = S_ISDIR(found.st_mode);
    if ((!is_folder && !S_ISREG(found.st_mode)) || (is_elsewhere && IsMadeUp(path))) {
      contents_.skipped.push_back(name);
      return Ok();
    }
    if (access(path.c_str(), R_OK) != 0) return FailureAt("read", path);
    TarEntry entry{
        .name = name, .mode = found.st_mode & 07777U, .modified_seconds = found.st_mtime};
    if (is_folder) {
      entry.kind = TarEntry::Kind::kDirectory;
      contents_.members.push_back({.entry = std::move(entry), .path = path});
      return Scan(path, name);
    }
    entry.size_bytes = static_cast<uint64_t>(found.st_size);
    contents_.size_bytes += entry.size_bytes;
    contents_.members.push_back({.entry = std::move(entry), .path = path});
    return Ok();
  }

  Status AddLink(const std::string& path, const std::string& name) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = readlink(path.c_str(), target.data(), target.size());
    if (size < 0) return FailureAt("read link", path);
    target.resize(static_cast<size_t>(size));
    TarEntry entry{.kind = TarEntry::Kind::kSymlink,
                   .name = name,
                   .mode = 0777,
                   .link_target = std::move(target)};
    contents_.members.push_back({.entry = std::move(entry), .path = path});
    return Ok();
  }

  std::vector<FolderIdentity> open_folders_;  // From the root to the folder being scanned.
  ArchiveContents contents_;
};

constexpr size_t kPieceBytes = 1U << 20U;

// Compresses a tar stream into an upload.
class ArchiveStream {
 public:
  ArchiveStream(file::StreamUpload& upload, int gzip_level)
      : upload_(upload), encoder_(gzip_level), compressed_(kPieceBytes) {}

  Status Write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto step = encoder_.Encode(bytes, compressed_.span(), false);
      bytes = bytes.subspan(step.taken_bytes);
      HR_TRY(upload_.Write(compressed_.span().first(step.given_bytes)));
    }
    return Ok();
  }
  Status WriteZeros(size_t size_bytes) {
    const std::string zeros(size_bytes, '\0');
    return Write(AsBytes(zeros));
  }
  Status End() {
    bool is_finished = false;
    while (!is_finished) {
      const auto step = encoder_.Encode({}, compressed_.span(), true);
      is_finished = step.is_finished;
      HR_TRY(upload_.Write(compressed_.span().first(step.given_bytes)));
    }
    HR_TRY(upload_.Finish());
    return Ok();
  }

 private:
  file::StreamUpload& upload_;
  format::GzipEncoder encoder_;
  Buffer compressed_;
};

Status WriteContents(const ArchiveMember& member, std::span<std::byte> buffer,
                     const CallContext& context, ArchiveStream& stream) {
  const UniqueFd file(open(member.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return FailureAt("open", member.path);
  const uint64_t size_bytes = member.entry.size_bytes;
  uint64_t written_bytes = 0;
  while (true) {
    if (context.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "upload cancelled");
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailureAt("read", member.path);
    written_bytes += static_cast<uint64_t>(count);
    if (written_bytes > size_bytes || (count == 0 && written_bytes < size_bytes)) {
      return Fail(ErrorCode::kPreconditionFailed,
                  fmt::format("{} changed its size while it was archived", member.path));
    }
    if (count == 0) return stream.WriteZeros(format::TarPaddingBytes(size_bytes));
    HR_TRY(stream.Write(buffer.first(static_cast<size_t>(count))));
  }
}

}  // namespace

Result<ArchiveContents> ScanFolder(const std::string& folder) {
  Scanner scanner;
  HR_TRY(scanner.Scan(folder, ""));
  return scanner.Take();
}

Result<uint64_t> UploadArchive(ObjectStore& store, EventLoops& loops,
                               const ArchiveContents& contents, const S3Uri& target,
                               const ArchiveOptions& options, const CallContext& context) {
  const CreateMultipartRequest request{.bucket = target.bucket,
                                       .key = target.key,
                                       .attributes = {.content_type = "application/gzip"}};
  file::StreamUpload upload(store, loops, request, options.upload, context);
  ArchiveStream stream(upload, options.gzip_level);
  Buffer buffer(kPieceBytes);
  for (const ArchiveMember& member : contents.members) {
    HR_TRY(stream.Write(AsBytes(format::TarHeader(member.entry))));
    if (member.entry.kind != TarEntry::Kind::kFile) continue;
    HR_TRY(WriteContents(member, buffer.span(), context, stream));
  }
  HR_TRY(stream.WriteZeros(format::kTarEndBytes));
  HR_TRY(stream.End());
  return upload.size_bytes();
}

}  // namespace headrace::job
