// SPDX-License-Identifier: Apache-2.0
// The part of DirectoryCore that changes objects that are there: rename, append, tags.
#include <algorithm>

#include <fmt/format.h>

#include "headrace/store/directory/directory_core.h"
#include "headrace/store/fail_as.h"

namespace headrace::directory {
namespace {

// Holds the locks of two keys, which may be one and the same lock. The order of addresses keeps two
// renames from waiting for each other.
class PairLock {
 public:
  PairLock(Mutex& one, Mutex& other) HR_THREAD_ANNOTATION(no_thread_safety_analysis)
      : first_(std::min(&one, &other)), second_(std::max(&one, &other)) {
    first_->Lock();
    if (second_ != first_) second_->Lock();
  }
  ~PairLock() HR_THREAD_ANNOTATION(no_thread_safety_analysis) {
    if (second_ != first_) second_->Unlock();
    first_->Unlock();
  }
  PairLock(const PairLock&) = delete;
  PairLock& operator=(const PairLock&) = delete;

 private:
  Mutex* const first_;
  Mutex* const second_;
};

}  // namespace

// The object gets its new name before it loses the old one: a crash in between leaves it under
// both, and whole.
Status DirectoryCore::Rename(const RenameRequest& request) {
  HR_TRY(CheckKey(request.key));
  if (request.key == request.source_key) {
    return FailAs(ErrorCode::kInvalidArgument, "an object cannot be renamed to its own name",
                  "InvalidRequest");
  }
  const PairLock lock(LockOf(request.bucket, request.source_key),
                      LockOf(request.bucket, request.key));
  HR_TRY_ASSIGN(FoundFile source, FindAndDescribe(request.bucket, request.source_key));
  const SharedRecord record = source.record;
  const ServedObject& object = record->object;
  if (!request.source_if_match.empty() && request.source_if_match != object.head.info.etag) {
    return FailAs(ErrorCode::kPreconditionFailed, "the source of the rename is another version",
                  "PreconditionFailed");
  }
  HR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::LinkTo(temporary_, std::move(source.file)));
  const Commit commit{.bucket = request.bucket,
                      .key = request.key,
                      .conditions = request.conditions,
                      .object = object};
  ReceivedBytes bytes{.file = std::move(file),
                      .size_bytes = source.stamp.size_bytes,
                      .etag = object.head.info.etag,
                      .checksum = object.head.checksum};
  HR_TRY(PutLocked(commit, std::move(bytes)));
  return DeleteLocked(request.bucket, request.source_key, {});
}

Result<PutResult> DirectoryCore::Append(const AppendRequest& request, ReceivedBytes received) {
  HR_TRY(CheckKey(request.key));
  const MutexLock lock(LockOf(request.bucket, request.key));
  auto found = FindAndDescribe(request.bucket, request.key);
  if (!found && found.error().code() != ErrorCode::kNotFound) {
    return std::unexpected(std::move(found).error());
  }
  const uint64_t size_bytes = found ? found->stamp.size_bytes : 0;
  if (request.offset_bytes != size_bytes) {
    return FailAs(ErrorCode::kInvalidArgument,
                  fmt::format("the offset is {}, and s3://{}/{} has {} bytes", request.offset_bytes,
                              request.bucket, request.key, size_bytes),
                  "InvalidWriteOffset");
  }
  Commit commit{.bucket = request.bucket, .key = request.key, .conditions = request.conditions};
  HR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::Make(temporary_));
  if (found) {
    commit.object = found->record->object;
    commit.object.part_sizes_bytes.clear();
    commit.object.part_checksums.clear();
    commit.object.upload_id.clear();
    HR_TRY(CopyBytes(found->file.get(), 0, size_bytes, file.file()));
  }
  HR_TRY(CopyBytes(received.file.file(), 0, received.size_bytes, file.file()));
  ReceivedBytes whole{.file = std::move(file), .size_bytes = size_bytes + received.size_bytes};
  HR_TRY_ASSIGN(whole.etag, Md5OfFile(whole.file.file()));
  // The old checksum is not the new bytes'; the algorithm is what the writers chose.
  const auto& old = found ? commit.object.head.checksum : received.checksum;
  if (old) {
    HR_TRY_ASSIGN(whole.checksum, ChecksumOfFile(whole.file.file(), old->algorithm));
  }
  if (syncs() && ::fdatasync(whole.file.file()) != 0) {
    return std::unexpected(Error::FromErrno(errno, "sync object"));
  }
  return PutLocked(commit, std::move(whole));
}

Status DirectoryCore::PutTags(const HeadRequest& request,
                              const std::map<std::string, std::string>& tags) {
  const MutexLock lock(LockOf(request.bucket, request.key));
  HR_TRY_ASSIGN(const FoundFile found, FindAndDescribe(request.bucket, request.key));
  auto record = std::make_shared<ObjectRecord>(*found.record);
  record->object.tags = tags;
  return objects_->Add(request.bucket, request.key, std::move(record));
}

}  // namespace headrace::directory
