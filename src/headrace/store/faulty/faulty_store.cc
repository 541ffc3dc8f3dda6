// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/faulty/faulty_store.h"

#include <algorithm>
#include <utility>

namespace headrace {
namespace {

std::optional<Error> ErrorAfterwards(const std::vector<StoreFault>& faults) {
  for (const StoreFault& fault : faults) {
    if (fault.error_afterwards) return fault.error_afterwards;
  }
  return std::nullopt;
}

void Damage(const StoreFault& fault, std::span<std::byte> target, GetResult& result) {
  if (fault.cut_after_bytes) {
    result.size_bytes = std::min(result.size_bytes, *fault.cut_after_bytes);
  }
  if (fault.flip_byte_at && *fault.flip_byte_at < result.size_bytes) {
    target[*fault.flip_byte_at] ^= std::byte{0xFF};
  }
}

}  // namespace

void FaultyStore::Add(StoreFault fault) {
  const MutexLock lock(mutex_);
  entries_.push_back({.fault = std::move(fault)});
}

uint64_t FaultyStore::call_count(StoreOperation operation) const {
  const auto index = static_cast<size_t>(operation);
  const MutexLock lock(mutex_);
  return index < call_counts_.size() ? call_counts_[index] : 0;
}

void FaultyStore::AwaitGated(uint64_t count) {
  const MutexLock lock(mutex_);
  while (gated_count_ < count) changed_.Wait(mutex_);
}

std::vector<StoreFault> FaultyStore::Hits(StoreOperation operation, const std::string& key) {
  const auto index = static_cast<size_t>(operation);
  std::vector<StoreFault> hits;
  const MutexLock lock(mutex_);
  if (call_counts_.size() <= index) call_counts_.resize(index + 1);
  ++call_counts_[index];
  for (Entry& entry : entries_) {
    const StoreFault& fault = entry.fault;
    if (fault.operation != operation || (!fault.key.empty() && fault.key != key)) continue;
    ++entry.calls_seen;
    if (entry.calls_seen < fault.first_call) continue;
    if (entry.calls_seen - fault.first_call < fault.call_count) hits.push_back(fault);
  }
  return hits;
}

Task<Status> FaultyStore::Before(const std::vector<StoreFault>& faults,
                                 const CallContext& context) {
  for (const StoreFault& fault : faults) {
    if (fault.gate) {
      {
        const MutexLock lock(mutex_);
        ++gated_count_;
        changed_.NotifyAll();
      }
      HR_CO_TRY(co_await fault.gate->Wait(context.deadline, context.stop));
    }
    if (fault.error) co_return std::unexpected(*fault.error);
  }
  co_return Ok();
}

template <typename T>
Task<Result<T>> FaultyStore::Around(StoreOperation operation, const std::string& key,
                                    const CallContext& context, Task<Result<T>> call) {
  const std::vector<StoreFault> faults = Hits(operation, key);
  HR_CO_TRY(co_await Before(faults, context));
  Result<T> result = co_await std::move(call);
  std::optional<Error> lost = ErrorAfterwards(faults);
  if (lost && result.has_value()) co_return std::unexpected(*std::move(lost));
  co_return result;
}

Task<Result<std::vector<BucketInfo>>> FaultyStore::ListBuckets(const CallContext& context) {
  static const std::string no_name;
  return Around(StoreOperation::kListBuckets, no_name, context, store_.ListBuckets(context));
}

Task<Status> FaultyStore::CreateBucket(const std::string& bucket, const CallContext& context) {
  return Around(StoreOperation::kCreateBucket, bucket, context,
                store_.CreateBucket(bucket, context));
}

Task<Status> FaultyStore::HeadBucket(const std::string& bucket, const CallContext& context) {
  return Around(StoreOperation::kHeadBucket, bucket, context, store_.HeadBucket(bucket, context));
}

Task<Status> FaultyStore::DeleteBucket(const std::string& bucket, const CallContext& context) {
  return Around(StoreOperation::kDeleteBucket, bucket, context,
                store_.DeleteBucket(bucket, context));
}

Task<Result<ListPage>> FaultyStore::List(const ListRequest& request, const CallContext& context) {
  return Around(StoreOperation::kList, request.prefix, context, store_.List(request, context));
}

Task<Result<ObjectHead>> FaultyStore::Head(const HeadRequest& request, const CallContext& context) {
  return Around(StoreOperation::kHead, request.key, context, store_.Head(request, context));
}

Task<Result<GetResult>> FaultyStore::Get(const GetRequest& request, const CallContext& context) {
  const std::vector<StoreFault> faults = Hits(StoreOperation::kGet, request.key);
  HR_CO_TRY(co_await Before(faults, context));
  HR_CO_TRY_ASSIGN(GetResult result, co_await store_.Get(request, context));
  for (const StoreFault& fault : faults) Damage(fault, request.target.Find(), result);
  std::optional<Error> lost = ErrorAfterwards(faults);
  if (lost) co_return std::unexpected(*std::move(lost));
  co_return result;
}

Task<Result<PutResult>> FaultyStore::Put(const PutRequest& request, ByteSource& body,
                                         const CallContext& context) {
  return Around(StoreOperation::kPut, request.key, context, store_.Put(request, body, context));
}

Task<Result<PutResult>> FaultyStore::Copy(const CopyRequest& request, const CallContext& context) {
  return Around(StoreOperation::kCopy, request.key, context, store_.Copy(request, context));
}

Task<Status> FaultyStore::Delete(const DeleteRequest& request, const CallContext& context) {
  return Around(StoreOperation::kDelete, request.key, context, store_.Delete(request, context));
}

Task<Result<std::vector<DeleteFailure>>> FaultyStore::DeleteMany(const DeleteManyRequest& request,
                                                                 const CallContext& context) {
  return Around(StoreOperation::kDeleteMany, request.bucket, context,
                store_.DeleteMany(request, context));
}

Task<Result<MultipartUpload>> FaultyStore::CreateMultipart(const CreateMultipartRequest& request,
                                                           const CallContext& context) {
  return Around(StoreOperation::kCreateMultipart, request.key, context,
                store_.CreateMultipart(request, context));
}

Task<Result<PartInfo>> FaultyStore::UploadPart(const UploadPartRequest& request, ByteSource& body,
                                               const CallContext& context) {
  return Around(StoreOperation::kUploadPart, request.upload.key, context,
                store_.UploadPart(request, body, context));
}

Task<Result<PartInfo>> FaultyStore::CopyPart(const CopyPartRequest& request,
                                             const CallContext& context) {
  return Around(StoreOperation::kCopyPart, request.upload.key, context,
                store_.CopyPart(request, context));
}

Task<Result<PutResult>> FaultyStore::CompleteMultipart(const CompleteMultipartRequest& request,
                                                       const CallContext& context) {
  return Around(StoreOperation::kCompleteMultipart, request.upload.key, context,
                store_.CompleteMultipart(request, context));
}

Task<Status> FaultyStore::AbortMultipart(const MultipartUpload& upload,
                                         const CallContext& context) {
  return Around(StoreOperation::kAbortMultipart, upload.key, context,
                store_.AbortMultipart(upload, context));
}

}  // namespace headrace
