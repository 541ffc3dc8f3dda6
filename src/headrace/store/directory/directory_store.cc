// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/directory_store.h"

#include <fstream>
#include <functional>

#include <fmt/format.h>

#include "headrace/store/directory/body_receiver.h"
#include "headrace/store/directory/directory_core.h"
#include "headrace/store/fail_as.h"
#include "headrace/store/s3_limits.h"

namespace headrace::directory {
namespace {

// Whether a write may have to read what is there before it, for the ETag of a file put by hand.
bool MayHash(const Conditions& conditions) { return !conditions.if_match.empty(); }

Status CheckRead(const HeadRequest& request, const ObjectHead& head) {
  const std::string& wanted = request.conditions.if_match;
  if (wanted.empty() || wanted == head.info.etag) return Ok();
  return FailAs(ErrorCode::kPreconditionFailed,
                fmt::format("s3://{}/{} has another ETag", request.bucket, request.key),
                "PreconditionFailed");
}

}  // namespace

std::string CurrentBoot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.substr(0, 8);
}

Result<std::unique_ptr<DirectoryStore>> DirectoryStore::Open(const std::string& folder,
                                                             WorkPool& pool,
                                                             DirectoryStoreOptions options) {
  HR_TRY_ASSIGN(auto core, DirectoryCore::Open(folder, options));
  return std::unique_ptr<DirectoryStore>(new DirectoryStore(std::move(core), pool));
}

DirectoryStore::DirectoryStore(std::unique_ptr<DirectoryCore> core, WorkPool& pool)
    : core_(std::move(core)), pool_(pool) {}

DirectoryStore::~DirectoryStore() = default;

template <typename Value>
Task<Value> DirectoryStore::Finish(std::move_only_function<Value()> step) {
  if (!core_->syncs()) co_return step();
  co_return co_await RunOn<Value>(pool_, std::move(step));
}

Task<Result<std::vector<BucketInfo>>> DirectoryStore::ListBuckets(const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  co_return core_->ListBuckets();
}

Task<Status> DirectoryStore::CreateBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] { return core_->CreateBucket(bucket); };
  co_return co_await Finish<Status>(std::move(step));
}

Task<Status> DirectoryStore::HeadBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY(core_->OpenBucket(bucket));
  co_return Ok();
}

Task<Status> DirectoryStore::DeleteBucket(const std::string& bucket, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] { return core_->DeleteBucket(bucket); };
  co_return co_await RunOn<Status>(pool_, std::move(step));
}

Task<Result<ListPage>> DirectoryStore::List(const ListRequest& request,
                                            const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<ListPage>()> step = [&] { return core_->List(request, pool_); };
  co_return co_await RunOn<Result<ListPage>>(pool_, std::move(step));
}

// Many readers of a file that nobody has read yet wait for one computation of its ETag, and not on
// the pool's threads.
Task<Status> DirectoryStore::Describe(const HeadRequest& request, FoundFile& found,
                                      const CallContext& context) {
  const std::string name = fmt::format("{}/{}/{}", found.stamp.inode, request.bucket, request.key);
  while (const auto under_way = flights_.Board(name)) {
    HR_CO_TRY(co_await under_way->Wait(context.deadline, context.stop));
    // Not there when the other one failed: then it is this one's turn to.
    found.record = core_->FindCached(request, found.stamp);
    if (found.record) co_return Ok();
  }
  std::move_only_function<Status()> step = [&] {
    return core_->Describe(request.bucket, request.key, found);
  };
  const Status described = co_await RunOn<Status>(pool_, std::move(step));
  flights_.Land(name);
  co_return described;
}

Task<Result<OpenedObject>> DirectoryStore::Open(const HeadRequest& request,
                                                const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY_ASSIGN(FoundFile found, core_->FindFile(request.bucket, request.key));
  if (!found.record) HR_CO_TRY(co_await Describe(request, found, context));
  HR_CO_TRY(CheckRead(request, found.record->object.head));
  OpenedObject opened{.file = std::move(found.file)};
  const ServedObject* const object = &found.record->object;
  opened.object = std::shared_ptr<const ServedObject>(std::move(found.record), object);
  co_return opened;
}

Task<Result<ObjectHead>> DirectoryStore::Head(const HeadRequest& request,
                                              const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await Open(request, context));
  co_return opened.object->head;
}

Task<Result<GetResult>> DirectoryStore::Get(const GetRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  const HeadRequest head{
      .bucket = request.bucket, .key = request.key, .conditions = request.conditions};
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await Open(head, context));
  const uint64_t size_bytes = opened.object->head.info.size_bytes;
  ByteRange range = request.range.value_or(ByteRange{.begin = 0, .end = size_bytes});
  if (size_bytes > 0 && range.begin >= size_bytes) {
    co_return FailAs(ErrorCode::kInvalidArgument, "the range begins beyond the object's end",
                     "InvalidRange");
  }
  range.end = std::min(range.end, size_bytes);
  range.begin = std::min(range.begin, range.end);
  if (range.size_bytes() > request.target.size()) {
    co_return FailAs(
        ErrorCode::kPreconditionFailed,
        fmt::format("s3://{}/{} is larger than it was expected to be", request.bucket, request.key),
        "PreconditionFailed");
  }
  std::move_only_function<Status()> step = [&] {
    return ReadAt(opened.file.get(), range.begin, request.target.First(range.size_bytes()).Find());
  };
  HR_CO_TRY(co_await RunOn<Status>(pool_, std::move(step)));
  co_return GetResult{.head = opened.object->head, .size_bytes = range.size_bytes()};
}

Task<Result<PutResult>> DirectoryStore::Put(const PutRequest& request, ByteSource& body,
                                            const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY_ASSIGN(TemporaryFile file, core_->MakeFile(request.bucket, request.key));
  const SumWish wish{
      .expected = request.checksum, .otherwise = std::nullopt, .etags = core_->etags()};
  HR_CO_TRY_ASSIGN(ReceivedBytes received,
                   co_await ReceiveBody(std::move(file), body, wish, context));
  Commit commit{.bucket = request.bucket, .key = request.key, .conditions = request.conditions};
  commit.object.head.attributes = request.attributes;
  commit.object.tags = request.tags;
  std::move_only_function<Result<PutResult>()> step = [&] {
    return core_->Put(commit, std::move(received));
  };
  if (MayHash(request.conditions)) {
    co_return co_await RunOn<Result<PutResult>>(pool_, std::move(step));
  }
  co_return co_await Finish<Result<PutResult>>(std::move(step));
}

Task<Result<PutResult>> DirectoryStore::Copy(const CopyRequest& request,
                                             const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<PutResult>()> step = [&] { return core_->Copy(request); };
  co_return co_await RunOn<Result<PutResult>>(pool_, std::move(step));
}

Task<Status> DirectoryStore::Delete(const DeleteRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] {
    return core_->Delete(request.bucket, request.key, request.conditions);
  };
  if (MayHash(request.conditions)) co_return co_await RunOn<Status>(pool_, std::move(step));
  co_return co_await Finish<Status>(std::move(step));
}

Task<Result<std::vector<DeleteFailure>>> DirectoryStore::DeleteMany(
    const DeleteManyRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY(core_->OpenBucket(request.bucket));
  if (request.keys.size() > kDeleteKeyCountMax) {
    co_return FailAs(ErrorCode::kInvalidArgument,
                     fmt::format("{} keys in one batch delete, at most {} are allowed",
                                 request.keys.size(), kDeleteKeyCountMax),
                     "MalformedXML");
  }
  using Failures = Result<std::vector<DeleteFailure>>;
  std::move_only_function<Failures()> step = [&]() -> Failures {
    std::vector<DeleteFailure> failures;
    for (const std::string& key : request.keys) {
      Status deleted = core_->Delete(request.bucket, key, {});
      if (!deleted) failures.push_back({.key = key, .error = std::move(deleted).error()});
    }
    return failures;
  };
  co_return co_await RunOn<Failures>(pool_, std::move(step));
}

Task<Result<MultipartUpload>> DirectoryStore::CreateMultipart(const CreateMultipartRequest& request,
                                                              const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<MultipartUpload>()> step = [&] {
    return core_->CreateUpload(request);
  };
  co_return co_await Finish<Result<MultipartUpload>>(std::move(step));
}

Task<Result<PartInfo>> DirectoryStore::UploadPart(const UploadPartRequest& request,
                                                  ByteSource& body, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<StoredUpload>()> find = [&] {
    return core_->FindUpload(request.upload);
  };
  HR_CO_TRY_ASSIGN(const StoredUpload upload,
                   co_await Finish<Result<StoredUpload>>(std::move(find)));
  SumWish wish{.expected = request.checksum,
               .otherwise = upload.info.checksum_algorithm,
               .etags = core_->etags()};
  const auto given =
      wish.expected ? std::optional(wish.expected->algorithm) : body.verified_algorithm();
  if (given && wish.otherwise && *given != *wish.otherwise) {
    co_return FailAs(ErrorCode::kInvalidArgument,
                     fmt::format("the upload was started with {} checksums, and the part has a {}",
                                 ChecksumName(*wish.otherwise), ChecksumName(*given)),
                     "InvalidRequest");
  }
  // What tells a part that a crash of the machine has damaged, where the ETag does not.
  if (wish.etags == Etags::kRandom && !wish.otherwise) {
    wish.otherwise = ChecksumAlgorithm::kCrc64Nvme;
  }
  HR_CO_TRY_ASSIGN(TemporaryFile file, core_->MakePartFile(upload.info.upload.upload_id));
  HR_CO_TRY_ASSIGN(ReceivedBytes received,
                   co_await ReceiveBody(std::move(file), body, wish, context));
  std::move_only_function<Result<PartInfo>()> step = [&] {
    return core_->PutPart(request.upload, request.part_number, std::move(received));
  };
  // Its lock may be held by the completion of another upload, which copies all of that one's bytes:
  // no event loop waits for that.
  co_return co_await RunOn<Result<PartInfo>>(pool_, std::move(step));
}

Task<Result<PartInfo>> DirectoryStore::CopyPart(const CopyPartRequest& request,
                                                const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<PartInfo>()> step = [&] { return core_->CopyPart(request); };
  co_return co_await RunOn<Result<PartInfo>>(pool_, std::move(step));
}

Task<Result<PutResult>> DirectoryStore::CompleteMultipart(const CompleteMultipartRequest& request,
                                                          const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<PutResult>()> step = [&] {
    return core_->CompleteUpload(request);
  };
  co_return co_await RunOn<Result<PutResult>>(pool_, std::move(step));
}

Task<Status> DirectoryStore::AbortMultipart(const MultipartUpload& upload,
                                            const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] { return core_->AbortUpload(upload); };
  co_return co_await RunOn<Status>(pool_, std::move(step));
}

Task<Result<ListUploadsPage>> DirectoryStore::ListUploads(const ListUploadsRequest& request,
                                                          const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<ListUploadsPage>()> step = [&] {
    return core_->ListUploads(request);
  };
  co_return co_await RunOn<Result<ListUploadsPage>>(pool_, std::move(step));
}

Task<Result<ListPartsPage>> DirectoryStore::ListParts(const ListPartsRequest& request,
                                                      const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Result<ListPartsPage>()> step = [&] { return core_->ListParts(request); };
  co_return co_await RunOn<Result<ListPartsPage>>(pool_, std::move(step));
}

Task<Status> DirectoryStore::Rename(const RenameRequest& request, const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] { return core_->Rename(request); };
  co_return co_await RunOn<Status>(pool_, std::move(step));
}

Task<Result<PutResult>> DirectoryStore::Append(const AppendRequest& request, ByteSource& body,
                                               const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  HR_CO_TRY_ASSIGN(TemporaryFile file, core_->MakeFile(request.bucket, request.key));
  // The object's ETag is of all its bytes.
  const SumWish wish{.expected = std::nullopt, .otherwise = std::nullopt, .etags = Etags::kRandom};
  HR_CO_TRY_ASSIGN(ReceivedBytes received,
                   co_await ReceiveBody(std::move(file), body, wish, context));
  std::move_only_function<Result<PutResult>()> step = [&] {
    return core_->Append(request, std::move(received));
  };
  co_return co_await RunOn<Result<PutResult>>(pool_, std::move(step));
}

Task<Status> DirectoryStore::PutTags(const HeadRequest& request,
                                     const std::map<std::string, std::string>& tags,
                                     const CallContext& context) {
  HR_CO_TRY(StillWanted(context));
  std::move_only_function<Status()> step = [&] { return core_->PutTags(request, tags); };
  co_return co_await RunOn<Status>(pool_, std::move(step));
}

}  // namespace headrace::directory
