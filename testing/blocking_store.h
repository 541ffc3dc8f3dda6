// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::testing {

// The small language in which tests talk to an ObjectStore: each call runs on a loop of its own and
// blocks until it is done. `context` is used by every call.
class BlockingStore {
 public:
  explicit BlockingStore(ObjectStore& store) : store_(store), loops_(1) {}

  ObjectStore& store() { return store_; }
  Executor executor() const { return loops_.At(0); }
  CallContext context;

  template <typename T>
  T Run(Task<T> task) {
    return RunBlocking(loops_.At(0), std::move(task));
  }

  Status CreateBucket(const std::string& bucket) {
    return Run(store_.CreateBucket(bucket, context));
  }
  Status HeadBucket(const std::string& bucket) { return Run(store_.HeadBucket(bucket, context)); }
  Status DeleteBucket(const std::string& bucket) {
    return Run(store_.DeleteBucket(bucket, context));
  }
  Result<std::vector<BucketInfo>> ListBuckets() { return Run(store_.ListBuckets(context)); }

  Result<PutResult> Put(const std::string& bucket, const std::string& key, std::string_view text) {
    return Put(PutRequest{.bucket = bucket, .key = key}, text);
  }
  Result<PutResult> Put(const PutRequest& request, std::string_view text) {
    SpanSource body(AsBytes(text));
    return Run(store_.Put(request, body, context));
  }
  Result<ObjectHead> Head(const std::string& bucket, const std::string& key) {
    const HeadRequest request{.bucket = bucket, .key = key};
    return Run(store_.Head(request, context));
  }
  // The whole object as text; at most 64 MiB.
  Result<std::string> Get(const std::string& bucket, const std::string& key) {
    HR_TRY_ASSIGN(const ObjectHead head, Head(bucket, key));
    if (head.info.size_bytes > (64U << 20U)) {
      return Fail(ErrorCode::kResourceExhausted, key + " is too large for BlockingStore::Get");
    }
    std::string text(head.info.size_bytes, '\0');
    const GetRequest request{
        .bucket = bucket, .key = key, .target = std::as_writable_bytes(std::span(text))};
    HR_TRY_ASSIGN(const GetResult result, Run(store_.Get(request, context)));
    text.resize(result.size_bytes);
    return text;
  }
  Result<std::string> GetRange(const std::string& bucket, const std::string& key, ByteRange range) {
    std::string text(range.size_bytes(), '\0');
    const GetRequest request{.bucket = bucket,
                             .key = key,
                             .range = range,
                             .target = std::as_writable_bytes(std::span(text))};
    HR_TRY_ASSIGN(const GetResult result, Run(store_.Get(request, context)));
    text.resize(result.size_bytes);
    return text;
  }
  Result<PutResult> Copy(const CopyRequest& request) { return Run(store_.Copy(request, context)); }
  Status Delete(const std::string& bucket, const std::string& key) {
    const DeleteRequest request{.bucket = bucket, .key = key};
    return Run(store_.Delete(request, context));
  }
  Result<std::vector<DeleteFailure>> DeleteMany(const DeleteManyRequest& request) {
    return Run(store_.DeleteMany(request, context));
  }

  Result<ListPage> List(const ListRequest& request) { return Run(store_.List(request, context)); }
  // The keys below `prefix`, over as many pages as it takes.
  Result<std::vector<std::string>> Keys(const std::string& bucket, const std::string& prefix = "") {
    ListRequest request{.bucket = bucket, .prefix = prefix};
    std::vector<std::string> keys;
    do {
      HR_TRY_ASSIGN(ListPage page, List(request));
      for (ObjectInfo& info : page.objects) keys.push_back(std::move(info.key));
      request.continuation_token = std::move(page.next_token);
    } while (!request.continuation_token.empty());
    return keys;
  }

  Result<MultipartUpload> CreateMultipart(const CreateMultipartRequest& request) {
    return Run(store_.CreateMultipart(request, context));
  }
  Result<PartInfo> UploadPart(const UploadPartRequest& request, std::string_view text) {
    SpanSource body(AsBytes(text));
    return Run(store_.UploadPart(request, body, context));
  }
  Result<PartInfo> CopyPart(const CopyPartRequest& request) {
    return Run(store_.CopyPart(request, context));
  }
  Result<PutResult> CompleteMultipart(const CompleteMultipartRequest& request) {
    return Run(store_.CompleteMultipart(request, context));
  }
  Status AbortMultipart(const MultipartUpload& upload) {
    return Run(store_.AbortMultipart(upload, context));
  }

 private:
  ObjectStore& store_;
  EventLoops loops_;
};

}  // namespace headrace::testing
