// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_key_store.h"

#include <algorithm>
#include <charconv>

namespace headrace::testing {
namespace {

std::unexpected<Error> Unsupported() {
  return Fail(ErrorCode::kUnsupported, "FakeKeyStore only lists");
}

size_t ToIndex(const std::string& token) {
  size_t index = 0;
  (void)std::from_chars(token.data(), token.data() + token.size(), index);
  return index;
}

}  // namespace

ObjectInfo FakeKeyStore::Object(const std::string& key) {
  return {.key = key,
          .size_bytes = 100 + key.size(),
          .etag = "d41d8cd98f00b204e9800998ecf8427e",
          .modified = SystemTime(std::chrono::seconds(1'700'000'000))};
}

ListPage FakeKeyStore::PageOf(const ListRequest& request) const {
  size_t index = 0;
  if (!request.continuation_token.empty()) {
    index = ToIndex(request.continuation_token);
  } else if (order_ == Order::kSorted) {
    auto from = std::ranges::lower_bound(keys_, request.prefix);
    if (!ignores_start_after_ && !request.start_after.empty()) {
      from = std::max(from, std::ranges::upper_bound(keys_, request.start_after));
    }
    index = static_cast<size_t>(from - keys_.begin());
  }
  const auto is_listed = [&](size_t i) {
    return i < keys_.size() && (order_ == Order::kAsGiven || keys_[i].starts_with(request.prefix));
  };
  ListPage page;
  while (page.objects.size() < request.key_count_max && is_listed(index)) {
    page.objects.push_back(Object(keys_[index++]));
  }
  if (is_listed(index)) page.next_token = std::to_string(index);
  return page;
}

size_t FakeKeyStore::Begin(const CallContext& context) {
  const MutexLock lock(mutex_);
  in_flight_max_ = std::max(in_flight_max_, ++in_flight_);
  last_deadline_ = context.deadline;
  return ++request_count_;
}

void FakeKeyStore::End(size_t key_count) {
  const MutexLock lock(mutex_);
  --in_flight_;
  keys_given_ += key_count;
}

Result<ListPage> FakeKeyStore::Answer(const ListRequest& request, const CallContext& context,
                                      size_t number) {
  if (const auto hook = hooks_.find(number); hook != hooks_.end()) hook->second();
  if (const auto failure = failures_.find(number); failure != failures_.end()) {
    return std::unexpected(failure->second);
  }
  if (context.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "the list was cancelled");
  return PageOf(request);
}

Task<Result<ListPage>> FakeKeyStore::List(const ListRequest& request, const CallContext& context) {
  const size_t number = Begin(context);
  // Gives other requests their turns, so that those that may be in flight at once are.
  for (int turn = 0; turn < 4; ++turn) co_await Sleep(std::chrono::nanoseconds(0));
  Result<ListPage> page = Answer(request, context, number);
  End(page.has_value() ? page->objects.size() : 0);
  co_return page;
}

Task<Result<std::vector<BucketInfo>>> FakeKeyStore::ListBuckets(const CallContext&) {
  co_return Unsupported();
}
Task<Status> FakeKeyStore::CreateBucket(const std::string&, const CallContext&) {
  co_return Unsupported();
}
Task<Status> FakeKeyStore::HeadBucket(const std::string&, const CallContext&) {
  co_return Unsupported();
}
Task<Status> FakeKeyStore::DeleteBucket(const std::string&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<ObjectHead>> FakeKeyStore::Head(const HeadRequest&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<GetResult>> FakeKeyStore::Get(const GetRequest&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<PutResult>> FakeKeyStore::Put(const PutRequest&, ByteSource&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<PutResult>> FakeKeyStore::Copy(const CopyRequest&, const CallContext&) {
  co_return Unsupported();
}
Task<Status> FakeKeyStore::Delete(const DeleteRequest&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<std::vector<DeleteFailure>>> FakeKeyStore::DeleteMany(const DeleteManyRequest&,
                                                                  const CallContext&) {
  co_return Unsupported();
}
Task<Result<MultipartUpload>> FakeKeyStore::CreateMultipart(const CreateMultipartRequest&,
                                                            const CallContext&) {
  co_return Unsupported();
}
Task<Result<PartInfo>> FakeKeyStore::UploadPart(const UploadPartRequest&, ByteSource&,
                                                const CallContext&) {
  co_return Unsupported();
}
Task<Result<PartInfo>> FakeKeyStore::CopyPart(const CopyPartRequest&, const CallContext&) {
  co_return Unsupported();
}
Task<Result<PutResult>> FakeKeyStore::CompleteMultipart(const CompleteMultipartRequest&,
                                                        const CallContext&) {
  co_return Unsupported();
}
Task<Status> FakeKeyStore::AbortMultipart(const MultipartUpload&, const CallContext&) {
  co_return Unsupported();
}

}  // namespace headrace::testing
