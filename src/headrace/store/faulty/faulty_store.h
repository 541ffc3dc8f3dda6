// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/gate.h"
#include "headrace/base/mutex.h"
#include "headrace/store/object_store.h"

namespace headrace {

enum class StoreOperation : uint8_t {
  kListBuckets,
  kCreateBucket,
  kHeadBucket,
  kDeleteBucket,
  kList,
  kHead,
  kGet,
  kPut,
  kCopy,
  kDelete,
  kDeleteMany,
  kCreateMultipart,
  kUploadPart,
  kCopyPart,
  kCompleteMultipart,
  kAbortMultipart,
};

// One thing that goes wrong: the calls it hits, and what happens to them. Several may hit one call.
struct StoreFault {
  StoreOperation operation = StoreOperation::kGet;
  std::string key;  // Empty: any object or bucket. Otherwise calls on that key alone are counted.
  // The calls hit, counted from 1 since the fault was added.
  uint64_t first_call = 1;
  uint64_t call_count = 1;

  // The call waits here first; while it waits it can be cancelled and can time out.
  std::shared_ptr<Gate> gate;
  // The call ends with this error; the store underneath never hears of it.
  std::optional<Error> error;
  // The store underneath does the work and the answer is lost: the call ends with this error.
  std::optional<Error> error_afterwards;
  // Gets alone: the byte at this place of the answer is flipped; the answer ends after so many
  // bytes, as if the object were shorter.
  std::optional<uint64_t> flip_byte_at;
  std::optional<uint64_t> cut_after_bytes;

  static constexpr uint64_t kEveryCall = std::numeric_limits<uint64_t>::max();
};

// An ObjectStore that passes calls on to another and lets scripted ones go wrong.
// Threads: as ObjectStore. Lifetime: the store underneath outlives it.
class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& store) : FaultyStore(store, store.is_over_tls()) {}
  // Says of itself that it is, or is not, reached over TLS.
  FaultyStore(ObjectStore& store, bool is_over_tls) : store_(store), is_over_tls_(is_over_tls) {}

  bool is_over_tls() const override { return is_over_tls_; }

  void Add(StoreFault fault) HR_EXCLUDES(mutex_);
  // How many calls of that operation have begun.
  uint64_t call_count(StoreOperation operation) const HR_EXCLUDES(mutex_);
  // Blocks the calling thread, which must not be an event loop, until so many calls in all have
  // come to a gate.
  void AwaitGated(uint64_t count) HR_EXCLUDES(mutex_);

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
  struct Entry {
    StoreFault fault;
    uint64_t calls_seen = 0;
  };

  // The faults that hit this call, oldest first.
  std::vector<StoreFault> Hits(StoreOperation operation, const std::string& key)
      HR_EXCLUDES(mutex_);
  // What happens before the store underneath is called.
  Task<Status> Before(const std::vector<StoreFault>& faults, const CallContext& context)
      HR_EXCLUDES(mutex_);
  // Runs `call` with the faults of that operation around it.
  template <typename T>
  Task<Result<T>> Around(StoreOperation operation, const std::string& key,
                         const CallContext& context, Task<Result<T>> call);

  ObjectStore& store_;
  const bool is_over_tls_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Entry> entries_ HR_GUARDED_BY(mutex_);
  std::vector<uint64_t> call_counts_ HR_GUARDED_BY(mutex_);  // By operation.
  uint64_t gated_count_ HR_GUARDED_BY(mutex_) = 0;
};

}  // namespace headrace
