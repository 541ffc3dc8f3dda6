// SPDX-License-Identifier: Apache-2.0
// The part of DirectoryCore that reads and replaces objects.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "headrace/base/random.h"
#include "headrace/store/directory/directory_core.h"
#include "headrace/store/directory/key_path.h"
#include "headrace/store/fail_as.h"

namespace headrace::directory {
namespace {

// The folder between two lookups of a vanishing parent, see MakeFolders.
constexpr int kPlaceAttempts = 16;
// A file that is replaced or grows while it is looked at.
constexpr int kDescribeAttempts = 16;

std::unexpected<Error> ConditionFailed(const Commit& commit) {
  return FailAs(ErrorCode::kPreconditionFailed,
                fmt::format("s3://{}/{} is not the version the condition asks for", commit.bucket,
                            commit.key),
                "PreconditionFailed");
}

Result<FileStamp> StampOfFile(int file) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return std::unexpected(Error::FromErrno(errno, "stat object"));
  return StampOf(status);
}

}  // namespace

Status CheckKey(const std::string& key) {
  if (IsValidKey(key)) return Ok();
  if (key.size() > kKeyBytesMax) {
    return FailAs(
        ErrorCode::kInvalidArgument,
        fmt::format("the key has {} bytes; at most {} are allowed", key.size(), kKeyBytesMax),
        "KeyTooLongError");
  }
  return FailAs(ErrorCode::kInvalidArgument,
                key.empty() ? "the key is empty" : "the key is not UTF-8", "InvalidURI");
}

Result<std::optional<FoundFile>> DirectoryCore::FindOddFile(const std::string& bucket,
                                                            const std::string& key) {
  HR_TRY_ASSIGN(const std::string odd_file, objects_->FindOdd(bucket, key));
  if (odd_file.empty()) return std::nullopt;
  HR_TRY_ASSIGN(auto opened,
                OpenFileBeneath(reserved_.get(), fmt::format("odd/{}/{}", bucket, odd_file)));
  if (!opened) return std::nullopt;
  FoundFile found{.file = std::move(opened->file), .stamp = StampOf(opened->status)};
  found.odd_file = odd_file;
  found.record = objects_->FindCached(bucket, key, found.stamp);
  return found;
}

Result<FoundFile> DirectoryCore::FindFile(const std::string& bucket, const std::string& key) {
  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(bucket));
  if (IsPlainPath(key)) {
    HR_TRY_ASSIGN(auto opened, OpenFileBeneath(folder.get(), key));
    if (opened) {
      FoundFile found{.file = std::move(opened->file), .stamp = StampOf(opened->status)};
      found.record = objects_->FindCached(bucket, key, found.stamp);
      return found;
    }
  }
  HR_TRY_ASSIGN(auto odd, FindOddFile(bucket, key));
  if (!odd) return NoSuchKey(bucket, key);
  return std::move(*odd);
}

Status DirectoryCore::Describe(const std::string& bucket, const std::string& key,
                               FoundFile& found) {
  for (int attempt = 0; attempt < kDescribeAttempts; ++attempt) {
    if (found.record) return Ok();
    HR_TRY_ASSIGN(found.record, objects_->Find(bucket, key, found.stamp));
    if (found.record) return Ok();
    // The record of a file that was replaced since it was opened is gone, and what can be computed
    // of its bytes is not its metadata.
    HR_TRY_ASSIGN(FoundFile now, FindFile(bucket, key));
    if (now.stamp == found.stamp) break;
    found = std::move(now);
  }
  return AddUnknown(bucket, key, found);
}

// A file that was put there by hand, or changed since.
Status DirectoryCore::AddUnknown(const std::string& bucket, const std::string& key,
                                 FoundFile& found) {
  const MutexLock lock(HashLockOf(found.stamp));
  found.record = objects_->FindCached(bucket, key, found.stamp);
  if (found.record) return Ok();
  HR_TRY_ASSIGN(std::string etag, Md5OfFile(found.file.get()));
  // Read before it was stable: the next reader sees another stamp and computes anew.
  auto record = RecordOfUnknown(key, found.stamp, std::move(etag));
  record->odd_file = found.odd_file;
  found.record = record;
  return objects_->Add(bucket, key, std::move(record));
}

Result<FoundFile> DirectoryCore::FindAndDescribe(const std::string& bucket,
                                                 const std::string& key) {
  HR_TRY_ASSIGN(FoundFile found, FindFile(bucket, key));
  HR_TRY(Describe(bucket, key, found));
  return found;
}

Status DirectoryCore::CheckConditions(const Commit& commit) {
  const Conditions& conditions = commit.conditions;
  if (conditions.if_match.empty() && !conditions.if_none_match_any) return Ok();
  auto found = FindFile(commit.bucket, commit.key);
  if (!found && found.error().code() != ErrorCode::kNotFound) {
    return std::unexpected(found.error());
  }
  if (conditions.if_none_match_any && found) return ConditionFailed(commit);
  if (conditions.if_match.empty()) return Ok();
  // S3 answers 404 where there is nothing to match.
  if (!found) return NoSuchKey(commit.bucket, commit.key);
  if (conditions.if_match == "*") return Ok();
  HR_TRY(Describe(commit.bucket, commit.key, *found));
  const std::string& etag = found->record->object.head.info.etag;
  return conditions.if_match == etag ? Ok() : ConditionFailed(commit);
}

Result<TemporaryFile> DirectoryCore::MakeFile(const std::string& bucket, const std::string& key) {
  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(bucket));
  const std::string_view parent = ParentOf(key);
  if (!parent.empty() && IsPlainPath(key)) {
    HR_TRY_ASSIGN(const auto near, OpenBeneath(folder.get(), parent, O_PATH | O_DIRECTORY));
    if (near) return TemporaryFile::MakeNear(temporary_, near->get());
  }
  return TemporaryFile::MakeNear(temporary_, folder.get());
}

Result<PutResult> DirectoryCore::Put(const Commit& commit, ReceivedBytes received) {
  HR_TRY(CheckKey(commit.key));
  if (syncs() && ::fdatasync(received.file.file()) != 0) {
    return std::unexpected(Error::FromErrno(errno, "sync object"));
  }
  const MutexLock lock(LockOf(commit.bucket, commit.key));
  return PutLocked(commit, std::move(received));
}

Result<PutResult> DirectoryCore::PutLocked(const Commit& commit, ReceivedBytes received) {
  auto record = std::make_shared<ObjectRecord>();
  HR_TRY_ASSIGN(record->stamp, StampOfFile(received.file.file()));
  record->object = commit.object;
  ObjectHead& head = record->object.head;
  head.info.key = commit.key;
  head.info.size_bytes = record->stamp.size_bytes;
  head.info.modified = TimeOf(record->stamp);
  head.info.etag = received.etag;
  head.info.storage_class = head.attributes.storage_class;
  head.checksum = received.checksum;
  PutResult result{.etag = head.info.etag, .checksum = head.checksum};

  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(commit.bucket));
  HR_TRY(CheckConditions(commit));
  if (IsPlainPath(commit.key)) {
    HR_TRY_ASSIGN(const bool is_placed, PlaceAtPath(folder.get(), commit, received.file, record));
    if (is_placed) return result;
  }
  auto aside = std::make_shared<ObjectRecord>(*record);
  aside->odd_file = RandomHex(16);
  HR_TRY(PlaceAside(commit, received.file, aside));
  return result;
}

// The new file's record is added before the rename and the old one's removed after it, so that a
// reader finds the record of whichever file it opened, and a crash in between loses neither.
Result<bool> DirectoryCore::PlaceAtPath(int bucket_folder, const Commit& commit,
                                        TemporaryFile& file, const SharedRecord& record) {
  const std::string name(LastPartOf(commit.key));
  // Followed as files are: one made between the two looks at its parent's time that belong to
  // another change would be missing from listings.
  const FolderMaker make = [&](std::string_view path, int parent, const std::string& folder) {
    return folders_.Apply(FolderCache::NameOf(commit.bucket, path), parent, FolderCache::Edit::kAdd,
                          folder + "/", [&] { return MakeFolder(path, parent, folder); });
  };
  for (int attempt = 0; attempt < kPlaceAttempts; ++attempt) {
    HR_TRY_ASSIGN(auto parent, MakeFolders(bucket_folder, ParentOf(commit.key), syncs(), make));
    if (!parent) return false;
    struct stat old{};
    const bool replaces = ::fstatat(parent->get(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (replaces && S_ISDIR(old.st_mode)) return false;
    HR_TRY_ASSIGN(const std::string odd_file, objects_->FindOdd(commit.bucket, commit.key));
    HR_TRY(objects_->Add(commit.bucket, commit.key, record));
    int os_error = 0;
    folders_.Apply(FolderCache::NameOf(commit.bucket, ParentOf(commit.key)), parent->get(),
                   FolderCache::Edit::kAdd, name, [&] {
                     os_error = file.MoveTo(parent->get(), name);
                     return os_error == 0;
                   });
    if (os_error == ENOENT) continue;  // Another request removed the empty parent.
    if (os_error == EISDIR || os_error == ENOTDIR) return false;
    if (os_error == EXDEV) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("bucket '{}' is on another file system than the served folder",
                              commit.bucket));
    }
    if (os_error != 0) {
      return std::unexpected(Error::FromErrno(os_error, "put " + commit.key));
    }
    if (syncs()) HR_TRY(SyncFolder(parent->get()));
    if (replaces || !odd_file.empty()) {
      HR_TRY(objects_->KeepOnly(commit.bucket, commit.key, record->stamp.inode));
    }
    if (!odd_file.empty()) RemoveOddFile(commit.bucket, odd_file);
    return true;
  }
  return Fail(ErrorCode::kUnavailable,
              fmt::format("the folder of s3://{}/{} keeps vanishing", commit.bucket, commit.key));
}

Status DirectoryCore::PlaceAside(const Commit& commit, TemporaryFile& file,
                                 const SharedRecord& record) {
  HR_TRY_ASSIGN(const std::string replaced, objects_->FindOdd(commit.bucket, commit.key));
  HR_TRY_ASSIGN(auto folder, MakeFolders(reserved_.get(), "odd/" + commit.bucket, syncs()));
  if (!folder) return Fail(ErrorCode::kInternal, ".headrace/odd is not a folder");
  if (const int os_error = file.MoveTo(folder->get(), record->odd_file); os_error != 0) {
    return std::unexpected(Error::FromErrno(os_error, "put " + commit.key));
  }
  if (syncs()) HR_TRY(SyncFolder(folder->get()));
  HR_TRY(objects_->Replace(commit.bucket, commit.key, record));
  if (!replaced.empty()) RemoveOddFile(commit.bucket, replaced);
  return Ok();
}

void DirectoryCore::RemoveOddFile(const std::string& bucket, const std::string& odd_file) {
  ::unlinkat(reserved_.get(), fmt::format("odd/{}/{}", bucket, odd_file).c_str(), 0);
}

Result<PutResult> DirectoryCore::Copy(const CopyRequest& request) {
  HR_TRY_ASSIGN(FoundFile source, FindAndDescribe(request.source_bucket, request.source_key));
  const ServedObject& original = source.record->object;
  if (!request.source_if_match.empty() && request.source_if_match != original.head.info.etag) {
    return FailAs(ErrorCode::kPreconditionFailed, "the source of the copy is another version",
                  "PreconditionFailed");
  }
  HR_TRY(OpenBucket(request.bucket));
  HR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::Make(temporary_));
  HR_TRY(CopyBytes(source.file.get(), 0, source.stamp.size_bytes, file.file()));
  ReceivedBytes bytes{.file = std::move(file),
                      .size_bytes = source.stamp.size_bytes,
                      .etag = original.head.info.etag,
                      .checksum = original.head.checksum};
  if (request.checksum_algorithm) {
    const bool is_kept = bytes.checksum && !bytes.checksum->is_composite &&
                         bytes.checksum->algorithm == *request.checksum_algorithm;
    if (!is_kept) {
      HR_TRY_ASSIGN(bytes.checksum, ChecksumOfFile(bytes.file.file(), *request.checksum_algorithm));
    }
  }
  Commit commit{.bucket = request.bucket,
                .key = request.key,
                .conditions = request.conditions,
                .object = original};
  commit.object.upload_id.clear();
  if (request.attributes) commit.object.head.attributes = *request.attributes;
  return Put(commit, std::move(bytes));
}

Status DirectoryCore::Delete(const std::string& bucket, const std::string& key,
                             const Conditions& conditions) {
  const MutexLock lock(LockOf(bucket, key));
  return DeleteLocked(bucket, key, conditions);
}

Status DirectoryCore::DeleteLocked(const std::string& bucket, const std::string& key,
                                   const Conditions& conditions) {
  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(bucket));
  HR_TRY(CheckConditions({.bucket = bucket, .key = key, .conditions = conditions}));
  bool is_removed = false;
  if (IsPlainPath(key)) {
    HR_TRY_ASSIGN(auto parent, OpenBeneath(folder.get(), ParentOf(key), O_PATH | O_DIRECTORY));
    const std::string name(LastPartOf(key));
    const auto unlink = [&] { return ::unlinkat(parent->get(), name.c_str(), 0) == 0; };
    if (parent && folders_.Apply(FolderCache::NameOf(bucket, ParentOf(key)), parent->get(),
                                 FolderCache::Edit::kRemove, name, unlink)) {
      is_removed = true;
      if (syncs()) HR_TRY(SyncFolder(parent->get()));
      RemoveEmptyFolders(folder.get(), ParentOf(key));
    } else if (parent && errno != ENOENT && errno != EISDIR && errno != ENAMETOOLONG) {
      return std::unexpected(
          Error::FromErrno(errno, fmt::format("delete s3://{}/{}", bucket, key)));
    }
  }
  HR_TRY_ASSIGN(const std::string odd_file, objects_->FindOdd(bucket, key));
  if (is_removed || !odd_file.empty()) HR_TRY(objects_->Drop(bucket, key));
  if (!odd_file.empty()) RemoveOddFile(bucket, odd_file);
  return Ok();
}

}  // namespace headrace::directory
