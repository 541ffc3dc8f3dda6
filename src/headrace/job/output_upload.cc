// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/output_upload.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/base/media_type.h"
#include "headrace/base/utf8.h"
#include "headrace/job/first_failure.h"
#include "headrace/job/output_place.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {
namespace {

bool IsFile(const ArchiveMember& member) {
  return member.entry.kind == format::TarEntry::Kind::kFile;
}

// Takes out what an object cannot be: links that lead nowhere or back, names that no key can have.
void KeepObjects(ArchiveContents& contents) {
  std::erase_if(contents.members, [&contents](const ArchiveMember& member) {
    if (member.entry.kind == format::TarEntry::Kind::kSymlink) {
      contents.skipped.push_back(member.entry.name);
    } else if (IsFile(member) && !IsUtf8(member.entry.name)) {
      contents.unreadable.emplace_back(
          ErrorCode::kInvalidArgument,
          fmt::format("{} has a name that is not UTF-8, which a key must be",
                      plan::ShownKey(member.path)));
    } else {
      return !IsFile(member);
    }
    return true;
  });
}

}  // namespace

Status OutputUpload::Upload(const std::string& folder, const Names& names, OutputReport& report,
                            const CallContext& context) {
  const bool is_tree = spec_.output_compression == Compression::kNone;
  report.name = is_tree ? fmt::format("{}/", names.tree) : fmt::format("{}.tar.gz", names.archive);
  const std::string attempt = fmt::format("upload {} (kept in {})", report.name, folder);
  auto scanned = ScanFolder(folder);
  if (!scanned) {
    // A folder that the command has removed: no object that is not found.
    const Error& error = scanned.error();
    return std::unexpected(
        Error(ErrorCode::kCorrupt, error.message(), error.origin()).While(attempt));
  }
  ArchiveContents contents = *std::move(scanned);
  if (is_tree) KeepObjects(contents);
  report.skipped = contents.skipped;
  if (!contents.members.empty()) {
    HR_TRY_ASSIGN(S3Uri target, OutputFolderUri(spec_));
    target.key += report.name;
    report.files = static_cast<uint64_t>(std::ranges::count_if(contents.members, IsFile));
    auto uploaded =
        is_tree ? UploadTree(contents, target, context)
                : UploadArchive(store_, loops_, contents, target, options_.archive, context);
    HR_TRY_ASSIGN(report.size_bytes, While(attempt, std::move(uploaded)));
    report.uri = FormatS3Uri(target.bucket, target.key);
  }
  if (contents.unreadable.empty()) return Ok();
  // What the machine says about one file (not found, denied) says nothing about the upload.
  return Fail(ErrorCode::kCorrupt,
              fmt::format("{}: it lacks {} files or folders that cannot be read: {}", attempt,
                          contents.unreadable.size(), contents.unreadable.front().message()));
}

Result<uint64_t> OutputUpload::UploadTree(const ArchiveContents& contents, const S3Uri& target,
                                          const CallContext& context) {
  size_t next = 0;
  const auto items = [&]() -> Result<std::optional<file::UploadItem>> {
    if (next == contents.members.size()) return std::nullopt;
    const ArchiveMember& member = contents.members[next++];
    ObjectAttributes attributes;
    attributes.content_type = MediaTypeOf(member.entry.name);
    struct stat status{};
    const bool is_there = stat(member.path.c_str(), &status) == 0;  // Its upload says why not.
    return file::UploadItem{.path = member.path,
                            .size_bytes = member.entry.size_bytes,
                            .modified = is_there ? ModifiedOf(status) : SystemTime{},
                            .bucket = target.bucket,
                            .key = target.key + member.entry.name,
                            .attributes = std::move(attributes)};
  };
  FirstFailure failure;
  file::Transfer transfer(store_, loops_, options_.transfer);
  const file::TransferReport uploaded = transfer.Upload(items, failure, context);
  HR_TRY(failure.Outcome(uploaded, FormatS3Uri(target.bucket, target.key)));
  return uploaded.bytes;
}

}  // namespace headrace::job
