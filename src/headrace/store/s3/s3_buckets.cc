// SPDX-License-Identifier: Apache-2.0
// S3Store's operations on buckets.
#include <utility>

#include "headrace/base/encoding.h"
#include "headrace/store/s3/s3_store_parts.h"
#include "headrace/store/s3/s3_xml.h"

namespace headrace::s3 {

Task<Result<std::vector<BucketInfo>>> S3Store::ListBuckets(const CallContext& context) {
  // S3 allows 10,000 buckets to an account, at least 1,000 in a page: more pages than this are a
  // server that repeats itself.
  constexpr int kPageCountMax = 1000;
  std::vector<BucketInfo> buckets;
  std::string query;
  for (int page_index = 0; page_index < kPageCountMax; ++page_index) {
    TextExchange exchange({.verb = "list", .query = query}, kListTextBytesMax);
    HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
    HR_CO_TRY_ASSIGN(BucketPage page, While("list buckets", ReadBucketPage(exchange.text())));
    std::move(page.buckets.begin(), page.buckets.end(), std::back_inserter(buckets));
    if (page.next_token.empty()) co_return buckets;
    query = QueryBuilder().Add("continuation-token", page.next_token).Take();
  }
  co_return Fail(ErrorCode::kCorrupt, "list buckets: the list of buckets does not end");
}

Task<Status> S3Store::CreateBucket(const std::string& bucket, const CallContext& context) {
  const std::string& region = parts_->runner->config().region;
  S3Request request{.verb = "create bucket", .method = "PUT", .bucket = bucket};
  // us-east-1 is the one region that must not be named.
  const std::string document = region == "us-east-1" ? "" : CreateBucketDocument(region);
  request.body = AsBytes(document);
  request.sends_body = true;
  TextExchange exchange(std::move(request), kShortTextBytesMax);
  exchange.SetDoneCode("BucketAlreadyOwnedByYou");
  co_return co_await parts_->runner->Run(exchange, context, apart_.get());
}

Task<Status> S3Store::HeadBucket(const std::string& bucket, const CallContext& context) {
  TextExchange exchange({.verb = "look up", .method = "HEAD", .bucket = bucket},
                        kShortTextBytesMax);
  co_return co_await parts_->runner->Run(exchange, context, apart_.get());
}

Task<Status> S3Store::DeleteBucket(const std::string& bucket, const CallContext& context) {
  TextExchange exchange({.verb = "delete bucket", .method = "DELETE", .bucket = bucket},
                        kShortTextBytesMax);
  exchange.SetDoneCode("NoSuchBucket");
  co_return co_await parts_->runner->Run(exchange, context, apart_.get());
}

}  // namespace headrace::s3
