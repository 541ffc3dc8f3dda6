// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "headrace/base/byte_range.h"
#include "headrace/base/byte_target.h"
#include "headrace/base/checksum.h"
#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"

namespace headrace {

// What every call takes beside its request. When `stop` is requested or `deadline` passes, the call
// ends soon with kCancelled or kTimedOut and what it held is freed.
struct CallContext {
  Deadline deadline;
  std::stop_token stop;
};

// Whether a call has a reason to go on: kCancelled when it was stopped, kTimedOut when its deadline
// has passed.
Status StillWanted(const CallContext& context, SteadyTime now = std::chrono::steady_clock::now());

// An object as a listing shows it.
struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
  std::string etag;  // Without the quotes that HTTP puts around it.
  SystemTime modified{};
  std::string storage_class;  // Empty: STANDARD.

  bool operator==(const ObjectInfo&) const = default;
};

// What a writer may say about an object beside its bytes. Empty: not set.
struct ObjectAttributes {
  std::string content_type;
  std::string content_encoding;
  std::string content_disposition;
  std::string content_language;
  std::string cache_control;
  std::string expires;
  std::string storage_class;
  // x-amz-meta-<name>; names in lower case, without the x-amz-meta- prefix.
  std::map<std::string, std::string> user_metadata;

  bool operator==(const ObjectAttributes&) const = default;
};

// Everything a HEAD tells.
struct ObjectHead {
  ObjectInfo info;
  ObjectAttributes attributes;
  std::optional<Checksum> checksum;
};

// Conditions on the object that is there now; ETags without quotes. Unset: no condition. A
// condition that fails is kPreconditionFailed.
struct Conditions {
  std::string if_match;            // Only if it has this ETag.
  bool if_none_match_any = false;  // Only if there is no object ("If-None-Match: *"); writes only.
};

struct BucketInfo {
  std::string name;
  SystemTime created{};
};

struct ListRequest {
  std::string bucket;
  std::string prefix;
  std::string delimiter;           // Empty: every key below the prefix.
  std::string start_after;         // Keys after this one, in byte order.
  std::string continuation_token;  // From the page before; wins over start_after.
  uint32_t key_count_max = 1000;   // Objects and prefixes together.
};
struct ListPage {
  std::vector<ObjectInfo> objects;           // In byte order of keys.
  std::vector<std::string> common_prefixes;  // In byte order; each ends with the delimiter.
  std::string next_token;                    // Empty: this was the last page.
};

struct HeadRequest {
  std::string bucket;
  std::string key;
  Conditions conditions;
};

// How a Get goes while it runs: written by the store and read by its caller, both on the loop that
// runs the call.
struct GetProgress {
  SteadyTime first_byte_at{};  // Of the latest try's answer; the epoch: none has begun.
};

struct GetRequest {
  std::string bucket;
  std::string key;
  // Nothing: the whole object. An end beyond the object is cut to its size; a begin at or beyond
  // its end gives no bytes for an empty object and kInvalidArgument otherwise.
  std::optional<ByteRange> range;
  Conditions conditions;
  // Receives the bytes. The caller keeps it alive and untouched until the call has returned. Bytes
  // that do not fit are kPreconditionFailed: the object is not the one the caller sized it for.
  ByteTarget target;
  // Kept up to date where it is given; the caller keeps it alive. A store that reads everything at
  // once may leave it alone.
  GetProgress* progress = nullptr;
  // Not over a connection that was used before: what came over one was wrong.
  bool needs_fresh_connection = false;
  // A request that has been sent and whose answer has not begun after so long is sent once more,
  // which then has the store's own time; nothing: so has the first. A store without a network may
  // leave it alone.
  std::optional<std::chrono::nanoseconds> answer_timeout;
};
struct GetResult {
  ObjectHead head;          // info.size_bytes is the whole object's size.
  uint64_t size_bytes = 0;  // How much of `target` was filled.
};

// Bytes on their way into a store.
// Threads: one task at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Nothing: not known before the end.
  virtual std::optional<uint64_t> size_bytes() const = 0;
  // Fills `target` from its start and says how much; 0 is the end of a non-empty target.
  virtual Task<Result<size_t>> Read(std::span<std::byte> target) = 0;
  // All bytes at once where they are in memory, so that a retry can send them again.
  virtual std::optional<std::span<const std::byte>> in_memory() const { return std::nullopt; }
  // The algorithm of verified_checksum(), known from the start; a store need not sum it again.
  virtual std::optional<ChecksumAlgorithm> verified_algorithm() const { return std::nullopt; }
  // Once the end was read: a checksum that the source itself has verified the bytes against (one
  // that arrived behind them, say). A store keeps it with the object.
  virtual std::optional<Checksum> verified_checksum() const { return std::nullopt; }
};

// A ByteSource over borrowed memory.
class SpanSource final : public ByteSource {
 public:
  explicit SpanSource(std::span<const std::byte> bytes) : bytes_(bytes), rest_(bytes) {}
  std::optional<uint64_t> size_bytes() const override { return bytes_.size(); }
  Task<Result<size_t>> Read(std::span<std::byte> target) override;
  std::optional<std::span<const std::byte>> in_memory() const override { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  std::span<const std::byte> rest_;
};

struct PutRequest {
  std::string bucket;
  std::string key;
  ObjectAttributes attributes;
  Conditions conditions;
  std::map<std::string, std::string> tags;
  // What the caller knows the bytes to be: verified by the store, kCorrupt when they are not.
  std::optional<Checksum> checksum;
};
struct PutResult {
  std::string etag;
  std::optional<Checksum> checksum;
};

struct CopyRequest {
  std::string source_bucket;
  std::string source_key;
  std::string source_if_match;  // Empty: whatever version is there.
  std::string bucket;
  std::string key;
  // Nothing: the source's attributes are kept.
  std::optional<ObjectAttributes> attributes;
  // Nothing: the source's checksum is kept.
  std::optional<ChecksumAlgorithm> checksum_algorithm;
  Conditions conditions;
};

struct DeleteRequest {
  std::string bucket;
  std::string key;
  Conditions conditions;
};
struct DeleteManyRequest {
  std::string bucket;
  std::vector<std::string> keys;  // At most 1,000.
};
struct DeleteFailure {
  std::string key;
  Error error;
};

// An upload in parts (1 to 10,000), invisible until completed.
struct MultipartUpload {
  std::string bucket;
  std::string key;
  std::string upload_id;
};
struct CreateMultipartRequest {
  std::string bucket;
  std::string key;
  ObjectAttributes attributes;
  std::map<std::string, std::string> tags;
  std::optional<ChecksumAlgorithm> checksum_algorithm;
  // A checksum of the parts' checksums rather than of the object's bytes. Nothing: as S3 chooses,
  // which is the bytes for CRC64NVME and the parts for all others.
  std::optional<bool> checksum_is_composite;
};
struct UploadPartRequest {
  MultipartUpload upload;
  uint32_t part_number = 1;
  std::optional<Checksum> checksum;
};
struct CopyPartRequest {
  MultipartUpload upload;
  uint32_t part_number = 1;
  std::string source_bucket;
  std::string source_key;
  std::string source_if_match;
  std::optional<ByteRange> source_range;
};
struct PartInfo {
  uint32_t part_number = 1;
  uint64_t size_bytes = 0;
  std::string etag;
  SystemTime modified{};
  std::optional<Checksum> checksum;
};
struct CompleteMultipartRequest {
  MultipartUpload upload;
  std::vector<PartInfo> parts;  // Ascending part numbers; number, etag and checksum are used.
  Conditions conditions;
  std::optional<Checksum> checksum;  // Of the whole object.
};

// The only way the rest of the system reaches stored bytes. S3Store talks to a network,
// DirectoryStore keeps plain files, MemoryStore and FaultyStore serve tests; every implementation
// passes store/object_store_contract.h.
//
// Errors: kNotFound (bucket, key or upload; the message says which), kPermissionDenied,
// kPreconditionFailed, kCorrupt, kTimedOut, kCancelled, and kThrottled or kUnavailable once an
// implementation's own retries are spent. What comes out is final: callers do not retry.
// Threads: all methods may be called at once from any event loop. The tasks borrow their reference
// arguments: the caller keeps them alive until the task has ended.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Bodies are deciphered by the loop that receives them, at several times what copying them costs.
  virtual bool is_over_tls() const { return false; }

  virtual Task<Result<std::vector<BucketInfo>>> ListBuckets(const CallContext& context) = 0;
  virtual Task<Status> CreateBucket(const std::string& bucket, const CallContext& context) = 0;
  virtual Task<Status> HeadBucket(const std::string& bucket, const CallContext& context) = 0;
  // kAlreadyExists when objects are left in it.
  virtual Task<Status> DeleteBucket(const std::string& bucket, const CallContext& context) = 0;

  virtual Task<Result<ListPage>> List(const ListRequest& request, const CallContext& context) = 0;
  virtual Task<Result<ObjectHead>> Head(const HeadRequest& request, const CallContext& context) = 0;
  // On failure the contents of the target are unspecified.
  virtual Task<Result<GetResult>> Get(const GetRequest& request, const CallContext& context) = 0;

  // Puts and completes are atomic: readers see the object before or the object after.
  virtual Task<Result<PutResult>> Put(const PutRequest& request, ByteSource& body,
                                      const CallContext& context) = 0;
  virtual Task<Result<PutResult>> Copy(const CopyRequest& request, const CallContext& context) = 0;
  // Deleting what is not there succeeds.
  virtual Task<Status> Delete(const DeleteRequest& request, const CallContext& context) = 0;
  // The keys that could not be deleted; an error when the call as a whole failed.
  virtual Task<Result<std::vector<DeleteFailure>>> DeleteMany(const DeleteManyRequest& request,
                                                              const CallContext& context) = 0;

  virtual Task<Result<MultipartUpload>> CreateMultipart(const CreateMultipartRequest& request,
                                                        const CallContext& context) = 0;
  virtual Task<Result<PartInfo>> UploadPart(const UploadPartRequest& request, ByteSource& body,
                                            const CallContext& context) = 0;
  virtual Task<Result<PartInfo>> CopyPart(const CopyPartRequest& request,
                                          const CallContext& context) = 0;
  virtual Task<Result<PutResult>> CompleteMultipart(const CompleteMultipartRequest& request,
                                                    const CallContext& context) = 0;
  virtual Task<Status> AbortMultipart(const MultipartUpload& upload,
                                      const CallContext& context) = 0;
};

}  // namespace headrace
