// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/memory/memory_store.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/store/fail_as.h"
#include "headrace/store/memory/memory_listing.h"
#include "headrace/store/s3_limits.h"

namespace headrace {
namespace {

// A body's unknown rest is read in pieces of this size.
constexpr size_t kReadBytes = 64UL * 1024;

bool IsBucketName(const std::string& name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, is_allowed) &&
         name.front() != '-' && name.front() != '.' && name.back() != '-' && name.back() != '.';
}

}  // namespace

MemoryStore::MemoryStore(const Clock& clock, MemoryStoreOptions options)
    : clock_(clock), options_(options) {}
MemoryStore::~MemoryStore() = default;

Task<Result<MemoryStore::Bytes>> MemoryStore::ReadBody(ByteSource& body,
                                                       const CallContext& context) const {
  const std::optional<uint64_t> announced = body.size_bytes();
  if (announced.value_or(0) > options_.size_bytes_max) {
    co_return FailAs(ErrorCode::kResourceExhausted,
                     "the body is larger than the memory store's limit", "EntityTooLarge");
  }
  auto bytes = std::make_shared<std::vector<std::byte>>();
  size_t filled = 0;
  while (true) {
    HR_CO_TRY(StillWanted(context, clock_.Now()));
    // One byte beyond the announced size, so that a body that goes on is noticed.
    if (announced) {
      bytes->resize(*announced + 1);
    } else if (bytes->size() < filled + kReadBytes) {
      bytes->resize(std::max(filled + kReadBytes, 2 * filled));
    }
    const std::span<std::byte> target = std::span(*bytes).subspan(filled);
    if (target.empty()) break;
    HR_CO_TRY_ASSIGN(const size_t size_bytes, co_await body.Read(target));
    if (size_bytes == 0) break;
    filled += size_bytes;
    if (filled > options_.size_bytes_max) {
      co_return FailAs(ErrorCode::kResourceExhausted,
                       "the body is larger than the memory store's limit", "EntityTooLarge");
    }
  }
  if (announced && filled != *announced) {
    co_return FailAs(ErrorCode::kCorrupt,
                     fmt::format("the body was announced with {} bytes and had {}", *announced,
                                 filled > *announced ? "more" : std::to_string(filled)),
                     "IncompleteBody");
  }
  bytes->resize(filled);
  bytes->shrink_to_fit();
  co_return Bytes(std::move(bytes));
}

Result<MemoryStore::Bucket*> MemoryStore::FindBucket(const std::string& bucket) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) {
    return FailAs(ErrorCode::kNotFound, fmt::format("bucket {} does not exist", bucket),
                  "NoSuchBucket");
  }
  return &found->second;
}

Result<MemoryStore::Object*> MemoryStore::FindObject(const std::string& bucket,
                                                     const std::string& key) {
  HR_TRY_ASSIGN(Bucket* const home, FindBucket(bucket));
  const auto found = home->objects.find(key);
  if (found == home->objects.end()) {
    return FailAs(ErrorCode::kNotFound,
                  fmt::format("object s3://{}/{} does not exist", bucket, key), "NoSuchKey");
  }
  return &found->second;
}

Result<MemoryStore::Object> MemoryStore::FindVersion(const std::string& bucket,
                                                     const std::string& key,
                                                     const std::string& if_match) {
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(const Object* const object, FindObject(bucket, key));
  if (!if_match.empty() && object->head.info.etag != if_match) {
    return FailAs(ErrorCode::kPreconditionFailed,
                  fmt::format("object s3://{}/{} has ETag {} and not {}", bucket, key,
                              object->head.info.etag, if_match),
                  "PreconditionFailed");
  }
  return *object;
}

Status MemoryStore::Reserve(uint64_t old_size_bytes, uint64_t new_size_bytes) {
  const uint64_t others = size_bytes_ - old_size_bytes;
  if (new_size_bytes > options_.size_bytes_max - others) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("the memory store is full ({} of {} bytes)", size_bytes_,
                            options_.size_bytes_max));
  }
  size_bytes_ = others + new_size_bytes;
  return Ok();
}

Result<PutResult> MemoryStore::Place(const std::string& bucket, Object object,
                                     const Conditions& conditions) {
  HR_TRY_ASSIGN(Bucket* const home, FindBucket(bucket));
  const std::string& key = object.head.info.key;
  const auto old = home->objects.find(key);
  const bool is_there = old != home->objects.end();
  // As S3 answers where there is nothing to match.
  if (!conditions.if_match.empty() && !is_there) {
    return FailAs(ErrorCode::kNotFound,
                  fmt::format("object s3://{}/{} does not exist", bucket, key), "NoSuchKey");
  }
  if ((conditions.if_none_match_any && is_there) ||
      (!conditions.if_match.empty() && old->second.head.info.etag != conditions.if_match)) {
    return FailAs(ErrorCode::kPreconditionFailed,
                  fmt::format("object s3://{}/{} is not as the condition asks", bucket, key),
                  "PreconditionFailed");
  }
  HR_TRY(Reserve(is_there ? old->second.bytes->size() : 0, object.bytes->size()));
  object.head.info.modified = clock_.WallNow();
  object.head.info.storage_class = object.head.attributes.storage_class;
  PutResult result{.etag = object.head.info.etag, .checksum = object.head.checksum};
  home->objects.insert_or_assign(key, std::move(object));
  return result;
}

Status MemoryStore::AddBucket(const std::string& bucket) {
  if (!IsBucketName(bucket)) {
    return FailAs(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is not a bucket name: 3 to 63 of a-z 0-9 - .", bucket),
                  "InvalidBucketName");
  }
  const MutexLock lock(mutex_);
  if (!buckets_.try_emplace(bucket, Bucket{.created = clock_.WallNow(), .objects = {}}).second) {
    return FailAs(ErrorCode::kAlreadyExists, fmt::format("bucket {} exists already", bucket),
                  "BucketAlreadyOwnedByYou");
  }
  return Ok();
}

Status MemoryStore::RemoveBucket(const std::string& bucket) {
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(const Bucket* const home, FindBucket(bucket));
  if (!home->objects.empty()) {
    return FailAs(ErrorCode::kAlreadyExists, fmt::format("bucket {} is not empty", bucket),
                  "BucketNotEmpty");
  }
  buckets_.erase(bucket);
  return Ok();
}

Result<ListPage> MemoryStore::PageOf(const ListRequest& request) {
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(const Bucket* const home, FindBucket(request.bucket));
  return PageOfMap(home->objects, request, [](const Object& object) { return object.head.info; });
}

Result<PutResult> MemoryStore::PutBytes(const PutRequest& request, Bytes bytes) {
  const ChecksumAlgorithm algorithm =
      request.checksum ? request.checksum->algorithm : ChecksumAlgorithm::kCrc64Nvme;
  const Checksum checksum = ChecksumOf(algorithm, *bytes);
  if (request.checksum && request.checksum->value != checksum.value) {
    return FailAs(
        ErrorCode::kCorrupt,
        fmt::format("s3://{}/{}: the bytes that arrived have {} {} and not {}", request.bucket,
                    request.key, ChecksumName(algorithm), checksum.value, request.checksum->value),
        "BadDigest");
  }
  RunningDigest md5(DigestKind::kMd5);
  md5.Update(*bytes);
  Object object;
  object.head.info.key = request.key;
  object.head.info.size_bytes = bytes->size();
  object.head.info.etag = HexEncode(AsBytes(md5.Finish()));
  object.head.attributes = request.attributes;
  object.head.checksum = checksum;
  object.bytes = std::move(bytes);
  const MutexLock lock(mutex_);
  return Place(request.bucket, std::move(object), request.conditions);
}

Status MemoryStore::Remove(const std::string& bucket, const std::string& key,
                           const Conditions& conditions) {
  const MutexLock lock(mutex_);
  HR_TRY_ASSIGN(Bucket* const home, FindBucket(bucket));
  const auto found = home->objects.find(key);
  const bool is_there = found != home->objects.end();
  if (!conditions.if_match.empty() &&
      (!is_there || found->second.head.info.etag != conditions.if_match)) {
    return FailAs(ErrorCode::kPreconditionFailed,
                  fmt::format("object s3://{}/{} is not as the condition asks", bucket, key),
                  "PreconditionFailed");
  }
  if (!is_there) return Ok();
  HR_TRY(Reserve(found->second.bytes->size(), 0));
  home->objects.erase(found);
  return Ok();
}

Task<Result<std::vector<BucketInfo>>> MemoryStore::ListBuckets(const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  std::vector<BucketInfo> infos;
  const MutexLock lock(mutex_);
  for (const auto& [name, bucket] : buckets_) {
    infos.push_back({.name = name, .created = bucket.created});
  }
  co_return infos;
}

Task<Status> MemoryStore::CreateBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return AddBucket(bucket);
}

Task<Status> MemoryStore::HeadBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  const MutexLock lock(mutex_);
  HR_CO_TRY(FindBucket(bucket));
  co_return Ok();
}

Task<Status> MemoryStore::DeleteBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return RemoveBucket(bucket);
}

Task<Result<ListPage>> MemoryStore::List(const ListRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return PageOf(request);
}

Task<Result<ObjectHead>> MemoryStore::Head(const HeadRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  HR_CO_TRY_ASSIGN(Object object,
                   FindVersion(request.bucket, request.key, request.conditions.if_match));
  co_return std::move(object.head);
}

Task<Result<GetResult>> MemoryStore::Get(const GetRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  HR_CO_TRY_ASSIGN(Object object,
                   FindVersion(request.bucket, request.key, request.conditions.if_match));
  const uint64_t size_bytes = object.bytes->size();
  ByteRange range = request.range.value_or(ByteRange{.begin = 0, .end = size_bytes});
  if (range.begin > range.end || (range.begin >= size_bytes && size_bytes > 0)) {
    co_return FailAs(ErrorCode::kInvalidArgument,
                     fmt::format("s3://{}/{} has {} bytes and none at {}", request.bucket,
                                 request.key, size_bytes, range.begin),
                     "InvalidRange");
  }
  range.end = std::min(range.end, size_bytes);
  range.begin = std::min(range.begin, range.end);
  if (range.size_bytes() > request.target.size()) {
    co_return Fail(ErrorCode::kPreconditionFailed,
                   fmt::format("s3://{}/{} gives {} bytes where {} were expected", request.bucket,
                               request.key, range.size_bytes(), request.target.size()));
  }
  std::ranges::copy(std::span(*object.bytes).subspan(range.begin, range.size_bytes()),
                    request.target.Find().begin());
  // As S3: a checksum of the whole object does not come with a part of it.
  if (request.range) object.head.checksum.reset();
  co_return GetResult{.head = std::move(object.head), .size_bytes = range.size_bytes()};
}

Task<Result<PutResult>> MemoryStore::Put(const PutRequest& request, ByteSource& body,
                                         const CallContext& context) {
  HR_CO_TRY_ASSIGN(Bytes bytes, co_await ReadBody(body, context));
  co_return PutBytes(request, std::move(bytes));
}

Task<Result<PutResult>> MemoryStore::Copy(const CopyRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  HR_CO_TRY_ASSIGN(const Object source,
                   FindVersion(request.source_bucket, request.source_key, request.source_if_match));
  PutRequest put{.bucket = request.bucket,
                 .key = request.key,
                 .attributes = request.attributes.value_or(source.head.attributes),
                 .conditions = request.conditions,
                 .checksum = {}};
  if (source.head.checksum && !source.head.checksum->is_composite) {
    put.checksum = source.head.checksum;
  }
  co_return PutBytes(put, source.bytes);
}

Task<Status> MemoryStore::Delete(const DeleteRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  co_return Remove(request.bucket, request.key, request.conditions);
}

Task<Result<std::vector<DeleteFailure>>> MemoryStore::DeleteMany(const DeleteManyRequest& request,
                                                                 const CallContext& context) {
  HR_CO_TRY(StillWanted(context, clock_.Now()));
  if (request.keys.size() > kDeleteKeyCountMax) {
    co_return FailAs(ErrorCode::kInvalidArgument,
                     fmt::format("{} keys in one batch delete, at most {} are allowed",
                                 request.keys.size(), kDeleteKeyCountMax),
                     "MalformedXML");
  }
  std::vector<DeleteFailure> failures;
  for (const std::string& key : request.keys) {
    Status removed = Remove(request.bucket, key, {});
    if (removed.has_value()) continue;
    // Only an absent bucket fails here, and it fails the call as a whole.
    co_return std::unexpected(std::move(removed).error());
  }
  co_return failures;
}

}  // namespace headrace
