// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "headrace/base/work_pool.h"
#include "headrace/store/directory/describe_flights.h"
#include "headrace/store/serving_store.h"

namespace headrace::directory {

enum class Durability : uint8_t {
  kNone,    // The kernel writes when it likes: a power cut may lose what was acknowledged.
  kObject,  // fsync of the object, its folder and the index before the acknowledgement.
};

// What the ETag is of an object or part that a client sends as a whole; what the store puts
// together itself (copied parts, appended objects) has its MD5.
enum class Etags : uint8_t {
  kMd5,     // As S3 has it where nothing is encrypted; some clients compare it.
  kRandom,  // Says nothing of the bytes and costs nothing (docs/decisions/0034).
};

// Of the kernel's id for its run, eight digits; empty where it gives none.
std::string CurrentBoot();

struct DirectoryStoreOptions {
  Durability durability = Durability::kObject;
  Etags etags = Etags::kMd5;
  // Smallest part of an upload except its last: S3's own rule. Tests lower it.
  uint64_t part_size_bytes_min = 5U << 20U;
  // Names of folders kept in memory for listings: a million names of 20 bytes take 24 MiB.
  size_t folder_cache_bytes = 256U << 20U;
  // Differs whenever the machine has started again; letters and digits. Empty: not known, and all
  // parts of earlier processes are taken for what a crash of the machine may have left.
  std::string boot = CurrentBoot();
};

struct FoundFile;
class DirectoryCore;  // Does the work, and blocks.

// A folder as an S3 store: each folder in it is a bucket, each file below that an object with the
// file's path as its key. What files cannot hold is kept in DIR/.headrace
// (docs/formats/directory-store.md).
//
// Threads: as ObjectStore. Lifetime: the pool outlives it; destroyed before the loops its calls
// ran on.
class DirectoryStore final : public ServingStore {
 public:
  // Opens `folder`, which must exist, and removes what an earlier process left half done.
  // kAlreadyExists: another process serves it.
  static Result<std::unique_ptr<DirectoryStore>> Open(const std::string& folder, WorkPool& pool,
                                                      DirectoryStoreOptions options);
  ~DirectoryStore() override;

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

  Task<Result<OpenedObject>> Open(const HeadRequest& request, const CallContext& context) override;
  Task<Result<ListUploadsPage>> ListUploads(const ListUploadsRequest& request,
                                            const CallContext& context) override;
  Task<Result<ListPartsPage>> ListParts(const ListPartsRequest& request,
                                        const CallContext& context) override;
  Task<Status> Rename(const RenameRequest& request, const CallContext& context) override;
  Task<Result<PutResult>> Append(const AppendRequest& request, ByteSource& body,
                                 const CallContext& context) override;
  Task<Status> PutTags(const HeadRequest& request, const std::map<std::string, std::string>& tags,
                       const CallContext& context) override;

 private:
  DirectoryStore(std::unique_ptr<DirectoryCore> core, WorkPool& pool);
  // Where the last step of a write runs: aside when it syncs.
  template <typename Value>
  Task<Value> Finish(std::move_only_function<Value()> step);
  Task<Status> Describe(const HeadRequest& request, FoundFile& found, const CallContext& context);

  std::unique_ptr<DirectoryCore> core_;
  WorkPool& pool_;
  DescribeFlights flights_;
};

}  // namespace headrace::directory
