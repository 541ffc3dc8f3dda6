// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/mutex.h"
#include "headrace/store/object_store.h"

namespace headrace {

struct MemoryStoreOptions {
  // Objects and unfinished uploads together; beyond it writes end with kResourceExhausted.
  uint64_t size_bytes_max = 1ULL << 30U;
  // Smallest part of a completed upload except its last. S3 asks for 5 MiB; tests seldom want to.
  uint64_t part_size_bytes_min = 1;
};

// An ObjectStore in memory that answers as S3 does: for tests, and as the plainest reading of what
// the interface means. ETags are MD5 (of the part MD5s, "-N", for uploads in parts); objects
// written without a checksum get CRC64NVME.
//
// Threads: as ObjectStore. Lifetime: the clock outlives it. Nothing here suspends but the body
// that is read, so every call ends on the loop it began on.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(const Clock& clock, MemoryStoreOptions options = {});
  ~MemoryStore() override;

  Task<Result<std::vector<BucketInfo>>> ListBuckets(const CallContext& context) override;
  Task<Status> CreateBucket(const std::string& bucket, const CallContext& context) override;
  Task<Status> HeadBucket(const std::string& bucket, const CallContext& context) override;
  Task<Status> DeleteBucket(const std::string& bucket, const CallContext& context) override;

  Task<Result<ListPage>> List(const ListRequest& request, const CallContext& context) override;
  Task<Result<ObjectHead>> Head(const HeadRequest& request, const CallContext& context) override;
  Task<Result<GetResult>> Get(const GetRequest& request, const CallContext& context) override;

  Task<Result<PutResult>> Put(const PutRequest& request, ByteSource& body,
                              const CallContext& context) override;
  Task<Result<PutResult>> Copy(const CopyRequest& request, const CallContext& context) override;
  Task<Status> Delete(const DeleteRequest& request, const CallContext& context) override;
  Task<Result<std::vector<DeleteFailure>>> DeleteMany(const DeleteManyRequest& request,
                                                      const CallContext& context) override;

  Task<Result<MultipartUpload>> CreateMultipart(const CreateMultipartRequest& request,
                                                const CallContext& context) override;
  Task<Result<PartInfo>> UploadPart(const UploadPartRequest& request, ByteSource& body,
                                    const CallContext& context) override;
  Task<Result<PartInfo>> CopyPart(const CopyPartRequest& request,
                                  const CallContext& context) override;
  Task<Result<PutResult>> CompleteMultipart(const CompleteMultipartRequest& request,
                                            const CallContext& context) override;
  Task<Status> AbortMultipart(const MultipartUpload& upload, const CallContext& context) override;

 private:
  using Bytes = std::shared_ptr<const std::vector<std::byte>>;
  struct Object {
    ObjectHead head;
    Bytes bytes;
  };
  struct Part {
    PartInfo info;
    Bytes bytes;
  };
  struct Upload {
    std::string bucket;
    std::string key;
    ObjectAttributes attributes;
    ChecksumAlgorithm checksum_algorithm = ChecksumAlgorithm::kCrc64Nvme;
    bool checksum_is_composite = false;
    std::map<uint32_t, Part> parts;
  };
  struct Bucket {
    SystemTime created{};
    std::map<std::string, Object, std::less<>> objects;  // In byte order of keys.
  };

  // Reads `body` to its end; kCorrupt when it is not as long as it said.
  Task<Result<Bytes>> ReadBody(ByteSource& body, const CallContext& context) const;

  Result<Bucket*> FindBucket(const std::string& bucket) HR_REQUIRES(mutex_);
  Result<Object*> FindObject(const std::string& bucket, const std::string& key) HR_REQUIRES(mutex_);
  Result<Upload*> FindUpload(const MultipartUpload& upload) HR_REQUIRES(mutex_);
  // What the condition on a read or a copy's source lets through.
  Result<Object> FindVersion(const std::string& bucket, const std::string& key,
                             const std::string& if_match) HR_EXCLUDES(mutex_);
  // Makes `object` visible under its key if `conditions` hold.
  Result<PutResult> Place(const std::string& bucket, Object object, const Conditions& conditions)
      HR_REQUIRES(mutex_);
  // Takes the room that replacing `old_size_bytes` by `new_size_bytes` needs, or changes nothing.
  Status Reserve(uint64_t old_size_bytes, uint64_t new_size_bytes) HR_REQUIRES(mutex_);

  Status AddBucket(const std::string& bucket) HR_EXCLUDES(mutex_);
  Status RemoveBucket(const std::string& bucket) HR_EXCLUDES(mutex_);
  Result<ListPage> PageOf(const ListRequest& request) HR_EXCLUDES(mutex_);
  Result<PutResult> PutBytes(const PutRequest& request, Bytes bytes) HR_EXCLUDES(mutex_);
  Status Remove(const std::string& bucket, const std::string& key, const Conditions& conditions)
      HR_EXCLUDES(mutex_);
  Result<MultipartUpload> AddUpload(const CreateMultipartRequest& request) HR_EXCLUDES(mutex_);
  Result<PartInfo> AddPart(const MultipartUpload& upload, uint32_t part_number, Bytes bytes,
                           const std::optional<Checksum>& checksum) HR_EXCLUDES(mutex_);
  Result<PutResult> Complete(const CompleteMultipartRequest& request) HR_EXCLUDES(mutex_);
  Status RemoveUpload(const MultipartUpload& upload) HR_EXCLUDES(mutex_);

  const Clock& clock_;
  const MemoryStoreOptions options_;

  mutable Mutex mutex_;
  std::map<std::string, Bucket> buckets_ HR_GUARDED_BY(mutex_);
  std::map<std::string, Upload> uploads_ HR_GUARDED_BY(mutex_);
  uint64_t size_bytes_ HR_GUARDED_BY(mutex_) = 0;  // Invariant: <= options_.size_bytes_max.
};

}  // namespace headrace
