// SPDX-License-Identifier: Apache-2.0
// The part of DirectoryCore that takes uploads in parts.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/store/directory/directory_core.h"
#include "headrace/store/directory/multipart_sums.h"
#include "headrace/store/fail_as.h"
#include "headrace/store/multipart_etag.h"
#include "headrace/store/s3_limits.h"

namespace headrace::directory {
namespace {

std::string PartFolder(const std::string& upload_id) { return "parts/" + upload_id; }

std::unexpected<Error> InvalidPart(uint32_t part_number) {
  return FailAs(
      ErrorCode::kInvalidArgument,
      fmt::format("part {} was not uploaded, or not with that ETag or checksum", part_number),
      "InvalidPart");
}

// What the client says of the whole object, where its parts have no sums that would show it.
Result<std::optional<Checksum>> VerifiedClaim(const std::optional<Checksum>& claimed, int file) {
  if (!claimed || claimed->is_composite) return std::nullopt;
  HR_TRY_ASSIGN(const Checksum checksum, ChecksumOfFile(file, claimed->algorithm));
  if (checksum.value == claimed->value) return checksum;
  return FailAs(ErrorCode::kCorrupt, "the checksum of the whole object is not that of its bytes",
                "BadDigest");
}

// As MultipartEtag, with random ETags for MD5s.
std::optional<std::string> EtagOfParts(std::vector<PartInfo> parts) {
  for (PartInfo& part : parts) part.etag.resize(std::min(part.etag.size(), part.etag.find('-')));
  return MultipartEtag(parts);
}

}  // namespace

Result<MultipartUpload> DirectoryCore::CreateUpload(const CreateMultipartRequest& request) {
  HR_TRY(OpenBucket(request.bucket));
  HR_TRY(CheckKey(request.key));
  StoredUpload upload;
  upload.info.upload = {.bucket = request.bucket, .key = request.key, .upload_id = RandomHex(16)};
  upload.info.started = RealClock().WallNow();
  upload.info.checksum_algorithm = request.checksum_algorithm;
  if (request.checksum_algorithm) {
    upload.info.checksum_is_composite =
        request.checksum_is_composite.value_or(IsCompositeByDefault(*request.checksum_algorithm));
  }
  upload.attributes = request.attributes;
  upload.tags = request.tags;
  HR_TRY_ASSIGN(const auto folder,
                MakeFolders(reserved_.get(), PartFolder(upload.info.upload.upload_id), false));
  if (!folder) return Fail(ErrorCode::kInternal, ".headrace/parts is not a folder");
  HR_TRY(uploads_->Add(upload));
  return std::move(upload.info.upload);
}

Result<StoredUpload> DirectoryCore::FindUpload(const MultipartUpload& upload) {
  HR_TRY(OpenBucket(upload.bucket));
  HR_TRY_ASSIGN(auto found, uploads_->Find(upload));
  if (found) return std::move(*found);
  return FailAs(ErrorCode::kNotFound,
                fmt::format("upload {} of s3://{}/{} does not exist; it may have been completed "
                            "or aborted",
                            upload.upload_id, upload.bucket, upload.key),
                "NoSuchUpload");
}

Result<TemporaryFile> DirectoryCore::MakePartFile(const std::string& upload_id) {
  HR_TRY_ASSIGN(const auto near,
                OpenBeneath(reserved_.get(), PartFolder(upload_id), O_PATH | O_DIRECTORY));
  return near ? TemporaryFile::MakeNear(temporary_, near->get()) : TemporaryFile::Make(temporary_);
}

Result<PartInfo> DirectoryCore::PutPart(const MultipartUpload& upload, uint32_t part_number,
                                        ReceivedBytes received) {
  if (part_number < 1 || part_number > kPartCountMax) {
    return FailAs(ErrorCode::kInvalidArgument, "part numbers are 1 to 10,000", "InvalidArgument");
  }
  const MutexLock lock(LockOfUpload(upload.upload_id));
  HR_TRY(FindUpload(upload));
  HR_TRY_ASSIGN(const auto folder,
                OpenBeneath(reserved_.get(), PartFolder(upload.upload_id), O_PATH | O_DIRECTORY));
  if (!folder) return Fail(ErrorCode::kInternal, "the folder of the upload's parts is gone");
  StoredPart part;
  part.info = {.part_number = part_number,
               .size_bytes = received.size_bytes,
               .etag = received.etag,
               .modified = RealClock().WallNow(),
               .checksum = received.checksum};
  part.file = fmt::format("{}-{}-{}", options_.boot, part_number, RandomHex(8));
  if (const int os_error = received.file.MoveTo(folder->get(), part.file); os_error != 0) {
    return std::unexpected(Error::FromErrno(os_error, "keep part"));
  }
  HR_TRY_ASSIGN(const std::string replaced, uploads_->PutPart(upload.upload_id, part));
  if (!replaced.empty()) ::unlinkat(folder->get(), replaced.c_str(), 0);
  return std::move(part.info);
}

Result<PartInfo> DirectoryCore::CopyPart(const CopyPartRequest& request) {
  HR_TRY_ASSIGN(const StoredUpload upload, FindUpload(request.upload));
  HR_TRY_ASSIGN(const FoundFile source, FindAndDescribe(request.source_bucket, request.source_key));
  if (!request.source_if_match.empty() &&
      request.source_if_match != source.record->object.head.info.etag) {
    return FailAs(ErrorCode::kPreconditionFailed, "the source of the copy is another version",
                  "PreconditionFailed");
  }
  const ByteRange range =
      request.source_range.value_or(ByteRange{.begin = 0, .end = source.stamp.size_bytes});
  if (range.end > source.stamp.size_bytes || range.begin > range.end) {
    return FailAs(ErrorCode::kInvalidArgument, "the range to copy is beyond the source's end",
                  "InvalidRange");
  }
  HR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::Make(temporary_));
  HR_TRY(CopyBytes(source.file.get(), range.begin, range.size_bytes(), file.file()));
  HR_TRY_ASSIGN(std::string etag, Md5OfFile(file.file()));
  ReceivedBytes bytes{
      .file = std::move(file), .size_bytes = range.size_bytes(), .etag = std::move(etag)};
  if (upload.info.checksum_algorithm) {
    HR_TRY_ASSIGN(bytes.checksum,
                  ChecksumOfFile(bytes.file.file(), *upload.info.checksum_algorithm));
  }
  return PutPart(request.upload, request.part_number, std::move(bytes));
}

// The parts the client names, checked against the ones that were uploaded.
Result<std::vector<StoredPart>> DirectoryCore::ChooseParts(
    const CompleteMultipartRequest& request) {
  if (request.parts.empty()) {
    return FailAs(ErrorCode::kInvalidArgument, "an upload is completed with at least one part",
                  "MalformedXML");
  }
  HR_TRY_ASSIGN(const auto stored, uploads_->Parts(request.upload.upload_id, 0, kPartCountMax));
  const auto disorder =
      std::ranges::adjacent_find(request.parts, std::ranges::greater_equal(),
                                 [](const PartInfo& part) { return part.part_number; });
  if (disorder != request.parts.end()) {
    return FailAs(ErrorCode::kInvalidArgument, "parts must be named in ascending order",
                  "InvalidPartOrder");
  }
  std::vector<StoredPart> chosen;
  for (const PartInfo& named : request.parts) {
    const auto found =
        std::ranges::lower_bound(stored, named.part_number, {},
                                 [](const StoredPart& part) { return part.info.part_number; });
    if (found == stored.end() || found->info.part_number != named.part_number ||
        found->info.etag != named.etag ||
        (named.checksum && named.checksum != found->info.checksum)) {
      return InvalidPart(named.part_number);
    }
    const bool is_last = &named == &request.parts.back();
    if (!is_last && found->info.size_bytes < options_.part_size_bytes_min) {
      return FailAs(ErrorCode::kInvalidArgument,
                    fmt::format("part {} has {} bytes; all but the last need {}", named.part_number,
                                found->info.size_bytes, options_.part_size_bytes_min),
                    "EntityTooSmall");
    }
    chosen.push_back(*found);
  }
  return chosen;
}

// Parts are not flushed (docs/decisions/0014): one that was received before the machine started
// may have lost bytes when it went down.
Status DirectoryCore::CheckSurvivor(const StoredPart& part, int file) const {
  if (!options_.boot.empty() && part.file.starts_with(options_.boot + "-")) return Ok();
  if (part.info.checksum) {
    HR_TRY_ASSIGN(const Checksum checksum, ChecksumOfFile(file, part.info.checksum->algorithm));
    return checksum == *part.info.checksum ? Ok() : InvalidPart(part.info.part_number);
  }
  HR_TRY_ASSIGN(const std::string etag, Md5OfFile(file));
  return etag == part.info.etag ? Ok() : InvalidPart(part.info.part_number);
}

Result<ReceivedBytes> DirectoryCore::Assemble(const std::string& upload_id,
                                              const std::vector<StoredPart>& parts) {
  HR_TRY_ASSIGN(const auto folder,
                OpenBeneath(reserved_.get(), PartFolder(upload_id), O_PATH | O_DIRECTORY));
  if (!folder) return Fail(ErrorCode::kInternal, "the folder of the upload's parts is gone");
  HR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::Make(temporary_));
  ReceivedBytes bytes{.file = std::move(file)};
  for (const StoredPart& part : parts) {
    HR_TRY_ASSIGN(const auto opened, OpenFileBeneath(folder->get(), part.file));
    if (!opened) return InvalidPart(part.info.part_number);
    HR_TRY(CheckSurvivor(part, opened->file.get()));
    HR_TRY(CopyBytes(opened->file.get(), 0, part.info.size_bytes, bytes.file.file()));
    bytes.size_bytes += part.info.size_bytes;
  }
  return bytes;
}

// A client that did not hear the answer asks again, and must not be told that there is no upload.
Result<std::optional<PutResult>> DirectoryCore::FindCompleted(
    const CompleteMultipartRequest& request) {
  const auto found = FindAndDescribe(request.upload.bucket, request.upload.key);
  if (!found) {
    if (found.error().code() == ErrorCode::kNotFound) return std::nullopt;
    return std::unexpected(found.error());
  }
  const ServedObject& object = found->record->object;
  const auto etag = EtagOfParts(request.parts);
  const bool is_same = object.upload_id == request.upload.upload_id && !object.upload_id.empty() &&
                       etag && *etag == object.head.info.etag;
  if (!is_same) return std::nullopt;
  return PutResult{.etag = object.head.info.etag, .checksum = object.head.checksum};
}

Result<PutResult> DirectoryCore::CompleteUpload(const CompleteMultipartRequest& request) {
  const MutexLock lock(LockOfUpload(request.upload.upload_id));
  auto stored = FindUpload(request.upload);
  if (!stored) {
    if (stored.error().origin().s3_code == "NoSuchUpload") {
      HR_TRY_ASSIGN(auto completed, FindCompleted(request));
      if (completed) return std::move(*completed);
    }
    return std::unexpected(std::move(stored).error());
  }
  StoredUpload& upload = *stored;
  HR_TRY_ASSIGN(const auto parts, ChooseParts(request));
  std::vector<PartInfo> infos;
  for (const StoredPart& part : parts) infos.push_back(part.info);
  const UploadSum sum{.algorithm = upload.info.checksum_algorithm,
                      .is_composite = upload.info.checksum_is_composite};
  HR_TRY_ASSIGN(const auto checksum, ChecksumOfParts(infos, sum, request.checksum));
  HR_TRY_ASSIGN(ReceivedBytes bytes, Assemble(request.upload.upload_id, parts));
  auto etag = EtagOfParts(infos);
  if (!etag) return Fail(ErrorCode::kInternal, "the ETag of an uploaded part is damaged");
  bytes.etag = std::move(*etag);
  bytes.checksum = checksum;
  if (!checksum) {
    HR_TRY_ASSIGN(bytes.checksum, VerifiedClaim(request.checksum, bytes.file.file()));
  }
  Commit commit{
      .bucket = request.upload.bucket, .key = request.upload.key, .conditions = request.conditions};
  commit.object.head.attributes = std::move(upload.attributes);
  commit.object.tags = std::move(upload.tags);
  commit.object.upload_id = request.upload.upload_id;
  for (const PartInfo& part : infos) {
    commit.object.part_sizes_bytes.push_back(part.size_bytes);
    if (checksum) commit.object.part_checksums.push_back(part.checksum->value);
  }
  HR_TRY_ASSIGN(PutResult result, Put(commit, std::move(bytes)));
  HR_TRY(ForgetUpload(request.upload.upload_id));
  return result;
}

Status DirectoryCore::AbortUpload(const MultipartUpload& upload) {
  const MutexLock lock(LockOfUpload(upload.upload_id));
  HR_TRY(FindUpload(upload));
  return ForgetUpload(upload.upload_id);
}

Status DirectoryCore::ForgetUpload(const std::string& upload_id) {
  HR_TRY(uploads_->Drop(upload_id));
  RemoveTree(reserved_.get(), PartFolder(upload_id));
  return Ok();
}

}  // namespace headrace::directory
