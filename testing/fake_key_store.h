// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/mutex.h"
#include "headrace/store/object_store.h"

namespace headrace::testing {

// An ObjectStore of keys alone, for tests of listing: a hundred thousand keys cost nothing to make,
// requests can be counted and scripted. Everything but List is kUnsupported. Any bucket exists.
// Threads: as ObjectStore.
class FakeKeyStore final : public ObjectStore {
 public:
  enum class Order { kSorted, kAsGiven };

  // With kSorted the keys must be sorted; with kAsGiven pages simply walk the keys.
  explicit FakeKeyStore(std::vector<std::string> keys, Order order = Order::kSorted)
      : keys_(std::move(keys)), order_(order) {}

  // What is listed for `key`.
  static ObjectInfo Object(const std::string& key);

  // Scripts, set before the first request; requests count from 1.
  void FailRequest(size_t number, Error error) { failures_.insert({number, std::move(error)}); }
  void OnRequest(size_t number, std::function<void()> hook) { hooks_[number] = std::move(hook); }
  void IgnoreStartAfter() { ignores_start_after_ = true; }

  size_t request_count() const HR_EXCLUDES(mutex_) { return Read(request_count_); }
  size_t in_flight() const HR_EXCLUDES(mutex_) { return Read(in_flight_); }
  size_t in_flight_max() const HR_EXCLUDES(mutex_) { return Read(in_flight_max_); }
  // In all pages together.
  size_t keys_given() const HR_EXCLUDES(mutex_) { return Read(keys_given_); }
  Deadline last_deadline() const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return last_deadline_;
  }

  Task<Result<ListPage>> List(const ListRequest& request, const CallContext& context) override;

  Task<Result<std::vector<BucketInfo>>> ListBuckets(const CallContext&) override;
  Task<Status> CreateBucket(const std::string&, const CallContext&) override;
  Task<Status> HeadBucket(const std::string&, const CallContext&) override;
  Task<Status> DeleteBucket(const std::string&, const CallContext&) override;
  Task<Result<ObjectHead>> Head(const HeadRequest&, const CallContext&) override;
  Task<Result<GetResult>> Get(const GetRequest&, const CallContext&) override;
  Task<Result<PutResult>> Put(const PutRequest&, ByteSource&, const CallContext&) override;
  Task<Result<PutResult>> Copy(const CopyRequest&, const CallContext&) override;
  Task<Status> Delete(const DeleteRequest&, const CallContext&) override;
  Task<Result<std::vector<DeleteFailure>>> DeleteMany(const DeleteManyRequest&,
                                                      const CallContext&) override;
  Task<Result<MultipartUpload>> CreateMultipart(const CreateMultipartRequest&,
                                                const CallContext&) override;
  Task<Result<PartInfo>> UploadPart(const UploadPartRequest&, ByteSource&,
                                    const CallContext&) override;
  Task<Result<PartInfo>> CopyPart(const CopyPartRequest&, const CallContext&) override;
  Task<Result<PutResult>> CompleteMultipart(const CompleteMultipartRequest&,
                                            const CallContext&) override;
  Task<Status> AbortMultipart(const MultipartUpload&, const CallContext&) override;

 private:
  size_t Read(const size_t& counter) const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return counter;
  }
  ListPage PageOf(const ListRequest& request) const;
  Result<ListPage> Answer(const ListRequest& request, const CallContext& context, size_t number);
  size_t Begin(const CallContext& context) HR_EXCLUDES(mutex_);
  void End(size_t key_count) HR_EXCLUDES(mutex_);

  const std::vector<std::string> keys_;
  const Order order_;
  std::map<size_t, Error> failures_;
  std::map<size_t, std::function<void()>> hooks_;
  bool ignores_start_after_ = false;

  mutable Mutex mutex_;
  size_t request_count_ = 0;
  size_t in_flight_ = 0;
  size_t in_flight_max_ = 0;
  size_t keys_given_ = 0;
  Deadline last_deadline_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::testing
