// SPDX-License-Identifier: Apache-2.0
// Uploads in parts: the half of MemoryStore that nobody sees until it is completed.
#include <span>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/store/fail_as.h"
#include "headrace/store/memory/memory_store.h"
#include "headrace/store/s3_limits.h"

namespace headrace {
namespace {

std::string Md5(std::span<const std::byte> bytes) {
  RunningDigest digest(DigestKind::kMd5);
  digest.Update(bytes);
  return digest.Finish();
}

std::string Name(const MultipartUpload& upload) {
  return fmt::format("s3://{}/{} (upload {})", upload.bucket, upload.key, upload.upload_id);
}

Checksum CompositeChecksum(ChecksumAlgorithm algorithm, const std::string& part_checksums,
                           size_t part_count) {
  Checksum checksum = ChecksumOf(algorithm, AsBytes(part_checksums));
  checksum.value += fmt::format("-{}", part_count);
  checksum.is_composite = true;
  return checksum;
}

}  // namespace

Result<MemoryStore::Upload*> MemoryStore::FindUpload(const MultipartUpload& upload) {
  HR_TRY(FindBucket(upload.bucket));
  const auto found = uploads_.find(upload.upload_id);
  if (found == uploads_.end() || found->second.bucket != upload.bucket ||
      found->second.key != upload.key) {
    return FailAs(ErrorCode::kNotFound, fmt::format("{} does not exist", Name(upload)),
                  "NoSuchUpload");
  }
  return &found->second;
}

Result<MultipartUpload> MemoryStore::AddUpload(const CreateMultipartRequest& request) {
  constexpr size_t kIdBytes = 16;
  const MutexLock lock(mutex_);
  HR_TRY(FindBucket(request.bucket));
  MultipartUpload upload{
      .bucket = request.bucket, .key = request.key, .upload_id = RandomHex(kIdBytes)};
  const auto algorithm = request.checksum_algorithm.value_or(ChecksumAlgorithm::kCrc64Nvme);
  uploads_[upload.upload_id] = {.bucket = request.bucket,
                                .key = request.key,
                                .attributes = request.attributes,
                                .checksum_algorithm = algorithm,
                                .checksum_is_composite = request.checksum_is_composite.value_or(
                                    algorithm != ChecksumAlgorithm::kCrc64Nvme),
                                .parts = {}};
  return upload;
}

Result<PartInfo> MemoryStore::AddPart(const MultipartUpload& upload, uint32_t part_number,
                                      Bytes bytes, const std::optional<Checksum>& checksum) {
  if (part_number < 1 || part_number > kPartCountMax) {
    return FailAs(ErrorCode::kInvalidArgument,
                  fmt::format("{}: part number {} is not in 1 to {}", Name(upload), part_number,
                              kPartCountMax),
                  "InvalidArgument");
  }
  if (checksum && ChecksumOf(checksum->algorithm, *bytes).value != checksum->value) {
    return FailAs(ErrorCode::kCorrupt,
                  fmt::format("{}: part {} did not arrive with the checksum announced",
                              Name(upload), part_number),
                  "BadDigest");
  }
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(Upload* const home, FindUpload(upload));
  const auto old = home->parts.find(part_number);
  HR_TRY(Reserve(old == home->parts.end() ? 0 : old->second.bytes->size(), bytes->size()));
  PartInfo info{.part_number = part_number,
                .size_bytes = bytes->size(),
                .etag = HexEncode(AsBytes(Md5(*bytes))),
                .modified = clock_.WallNow(),
                .checksum = ChecksumOf(home->checksum_algorithm, *bytes)};
  home->parts.insert_or_assign(part_number, Part{.info = info, .bytes = std::move(bytes)});
  return info;
}

Result<PutResult> MemoryStore::Complete(const CompleteMultipartRequest& request) {
  const std::string name = Name(request.upload);
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(const Upload* const upload, FindUpload(request.upload));
  if (request.parts.empty()) {
    return FailAs(ErrorCode::kInvalidArgument, name + ": completed with no part", "MalformedXML");
  }
  auto bytes = std::make_shared<std::vector<std::byte>>();
  std::string part_md5s;
  std::string part_checksums;
  uint32_t last_number = 0;
  for (const PartInfo& asked : request.parts) {
    if (asked.part_number <= last_number) {
      return FailAs(ErrorCode::kInvalidArgument, name + ": part numbers do not ascend",
                    "InvalidPartOrder");
    }
    last_number = asked.part_number;
    const auto found = upload->parts.find(asked.part_number);
    if (found == upload->parts.end() || found->second.info.etag != asked.etag ||
        (asked.checksum && asked.checksum != found->second.info.checksum)) {
      return FailAs(ErrorCode::kInvalidArgument,
                    fmt::format("{}: part {} is not the one uploaded", name, asked.part_number),
                    "InvalidPart");
    }
    const Part& part = found->second;
    if (part.bytes->size() < options_.part_size_bytes_min && &asked != &request.parts.back()) {
      return FailAs(ErrorCode::kInvalidArgument,
                    fmt::format("{}: part {} is smaller than {} bytes", name, asked.part_number,
                                options_.part_size_bytes_min),
                    "EntityTooSmall");
    }
    bytes->insert(bytes->end(), part.bytes->begin(), part.bytes->end());
    part_md5s += HexDecode(part.info.etag).value();
    part_checksums += Base64Decode(part.info.checksum->value).value();
  }
  Object object;
  object.head.checksum =
      upload->checksum_is_composite
          ? CompositeChecksum(upload->checksum_algorithm, part_checksums, request.parts.size())
          : ChecksumOf(upload->checksum_algorithm, *bytes);
  if (request.checksum && *request.checksum != *object.head.checksum) {
    return FailAs(ErrorCode::kCorrupt,
                  name + ": the parts together do not have the checksum announced", "BadDigest");
  }
  object.head.info.key = upload->key;
  object.head.info.size_bytes = bytes->size();
  object.head.info.etag =
      fmt::format("{}-{}", HexEncode(AsBytes(Md5(AsBytes(part_md5s)))), request.parts.size());
  object.head.attributes = upload->attributes;
  object.bytes = std::move(bytes);
  HR_TRY_ASSIGN(PutResult result,
                Place(request.upload.bucket, std::move(object), request.conditions));
  for (const auto& [number, part] : upload->parts) size_bytes_ -= part.bytes->size();
  uploads_.erase(request.upload.upload_id);
  return result;
}

Status MemoryStore::RemoveUpload(const MultipartUpload& upload) {
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(const Upload* const found, FindUpload(upload));
  for (const auto& [number, part] : found->parts) size_bytes_ -= part.bytes->size();
  uploads_.erase(upload.upload_id);
  return Ok();
}

Task<Result<MultipartUpload>> MemoryStore::CreateMultipart(const CreateMultipartRequest& request,
                                                           const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return AddUpload(request);
}

Task<Result<PartInfo>> MemoryStore::UploadPart(const UploadPartRequest& request, ByteSource& body,
                                               const CallContext& context) {
  HR_CO_TRY_ASSIGN(Bytes bytes, co_await ReadBody(body, context));
  co_return AddPart(request.upload, request.part_number, std::move(bytes), request.checksum);
}

Task<Result<PartInfo>> MemoryStore::CopyPart(const CopyPartRequest& request,
                                             const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  HR_CO_TRY_ASSIGN(const Object source,
                   FindVersion(request.source_bucket, request.source_key, request.source_if_match));
  const ByteRange range =
      request.source_range.value_or(ByteRange{.begin = 0, .end = source.bytes->size()});
  if (range.begin > range.end || range.end > source.bytes->size()) {
    co_return FailAs(
        ErrorCode::kInvalidArgument,
        fmt::format("s3://{}/{} has {} bytes and no range [{}, {})", request.source_bucket,
                    request.source_key, source.bytes->size(), range.begin, range.end),
        "InvalidArgument");
  }
  const auto piece = std::span(*source.bytes).subspan(range.begin, range.size_bytes());
  auto bytes = std::make_shared<std::vector<std::byte>>(piece.begin(), piece.end());
  co_return AddPart(request.upload, request.part_number, std::move(bytes), std::nullopt);
}

Task<Result<PutResult>> MemoryStore::CompleteMultipart(const CompleteMultipartRequest& request,
                                                       const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return Complete(request);
}

Task<Status> MemoryStore::AbortMultipart(const MultipartUpload& upload,
                                         const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return RemoveUpload(upload);
}

}  // namespace headrace
