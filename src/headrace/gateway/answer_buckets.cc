// SPDX-License-Identifier: Apache-2.0
// Answers about buckets and their features.
#include <algorithm>
#include <iterator>

#include "headrace/base/encoding.h"
#include "headrace/gateway/bucket_name.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/xml_request.h"

namespace headrace::gateway {

Task<Result<std::string>> ReadXmlBody(S3Call& call) {
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::Make(call.http, call.identity));
  co_return co_await ReadBodyText(body, kXmlBytesMax);
}

namespace {

// Which buckets a request lists. Without max-buckets all of them: clients from before S3 had pages
// do not ask for a second one.
struct BucketPage {
  std::string name_after;  // From the continuation token: the last name of the page before.
  std::string prefix;
  size_t count_max = SIZE_MAX;
};

Result<BucketPage> PageOf(const S3Call& call) {
  constexpr uint32_t kCountMax = 10'000;
  BucketPage page{.prefix = call.target.QueryText("prefix")};
  if (call.target.Query("max-buckets")) {
    HR_TRY_ASSIGN(page.count_max, NumberQuery(call, "max-buckets", kCountMax));
    if (page.count_max < 1 || page.count_max > kCountMax) {
      return FailS3("InvalidArgument", "max-buckets is 1 to 10,000");
    }
  }
  const std::string token = call.target.QueryText("continuation-token");
  auto name_after = HexDecode(token);
  if (!name_after) {
    return FailS3("InvalidArgument", "the continuation token is not one that a listing gave");
  }
  page.name_after = std::move(*name_after);
  return page;
}

}  // namespace

Task<Status> AnswerListBuckets(S3Call& call) {
  HR_CO_TRY_ASSIGN(const BucketPage page, PageOf(call));
  HR_CO_TRY_ASSIGN(const auto buckets, co_await call.store.ListBuckets(call.context));
  const auto region = call.target.Query("bucket-region");
  const bool is_our_region = !region || region->empty() || *region == call.options.region;
  XmlAnswer xml("ListAllMyBucketsResult");
  xml.Owner().Open("Buckets");
  size_t count = 0;
  std::string token;
  std::string_view last;
  for (const BucketInfo& bucket : buckets) {
    if (!is_our_region || !bucket.name.starts_with(page.prefix)) continue;
    if (!page.name_after.empty() && bucket.name <= page.name_after) continue;
    if (!call.identity.grant.May(Right::kRead, bucket.name)) continue;
    if (count == page.count_max) {
      token = HexEncode(AsBytes(last));
      break;
    }
    xml.Open("Bucket").Text("Name", bucket.name).Time("CreationDate", bucket.created);
    xml.Text("BucketRegion", call.options.region).Close("Bucket");
    last = bucket.name;
    ++count;
  }
  xml.Close("Buckets");
  if (!token.empty()) xml.Text("ContinuationToken", token);
  if (!page.prefix.empty()) xml.Text("Prefix", page.prefix);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerCreateBucket(S3Call& call) {
  HR_CO_TRY_ASSIGN(const std::string text, co_await ReadXmlBody(call));
  HR_CO_TRY(CheckCreateBucket(text));
  HR_CO_TRY(CheckNewBucketName(call.target.bucket));
  const Status created = co_await call.store.CreateBucket(call.target.bucket, call.context);
  // us-east-1 answers 200 to the owner of a bucket that is there, and scripts rely on it.
  if (!created && S3CodeOf(created.error()) != "BucketAlreadyOwnedByYou") co_return created;
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("Location", "/" + call.target.bucket);
  co_return co_await call.http.Respond(head, {});
}

Task<Status> AnswerHeadBucket(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("x-amz-bucket-region", call.options.region);
  co_return co_await call.http.Respond(head, {});
}

Task<Status> AnswerDeleteBucket(S3Call& call) {
  HR_CO_TRY(co_await call.store.DeleteBucket(call.target.bucket, call.context));
  co_return co_await RespondEmpty(call, 204);
}

Task<Status> AnswerBucketLocation(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  // us-east-1 is told as nothing at all.
  XmlAnswer xml("LocationConstraint");
  if (call.options.region != "us-east-1") xml.Raw(call.options.region);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerBucketVersioning(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  XmlAnswer xml("VersioningConfiguration");
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerAcl(S3Call& call) {
  if (call.target.key.empty()) {
    HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  } else {
    const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
    HR_CO_TRY(CheckVersion(call));
    HR_CO_TRY(co_await call.store.Head(request, call.context));
  }
  XmlAnswer xml("AccessControlPolicy");
  xml.Owner().Open("AccessControlList").Open("Grant");
  xml.Open(
      "Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:type=\"CanonicalUser\"");
  xml.Text("ID", "headrace").Text("DisplayName", "headrace").Close("Grantee");
  xml.Text("Permission", "FULL_CONTROL").Close("Grant").Close("AccessControlList");
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerUnconfigured(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  co_return FailS3(std::string(call.route.detail), "this bucket has no such configuration");
}

Task<Status> AnswerDefault(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  const std::string_view detail = call.route.detail;
  const size_t slash = detail.find('/');
  XmlAnswer xml(detail.substr(0, slash));
  if (slash != std::string_view::npos) {
    const std::string_view child = detail.substr(slash + 1);
    const size_t equals = child.find('=');
    xml.Text(child.substr(0, equals), child.substr(equals + 1));
  }
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerDeleteUnconfigured(S3Call& call) {
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  co_return co_await RespondEmpty(call, 204);
}

Task<Status> AnswerDeleteObjects(S3Call& call) {
  HR_CO_TRY_ASSIGN(const std::string text, co_await ReadXmlBody(call));
  HR_CO_TRY_ASSIGN(const DeleteOrder order, ParseDelete(text));
  DeleteManyRequest request{.bucket = call.target.bucket};
  std::vector<DeleteFailure> failures;
  for (const DeleteOrder::Item& item : order.items) {
    if (!item.version_id.empty() && item.version_id != "null") {
      failures.push_back({.key = item.key, .error = NoSuchVersion().error()});
    } else if (!item.etag.empty()) {
      const DeleteRequest one{
          .bucket = request.bucket, .key = item.key, .conditions = {.if_match = item.etag}};
      Status deleted = co_await call.store.Delete(one, call.context);
      if (!deleted) failures.push_back({.key = item.key, .error = std::move(deleted).error()});
    } else {
      request.keys.push_back(item.key);
    }
  }
  HR_CO_TRY_ASSIGN(auto failed_plain, co_await call.store.DeleteMany(request, call.context));
  std::ranges::move(failed_plain, std::back_inserter(failures));
  XmlAnswer xml("DeleteResult");
  for (const DeleteOrder::Item& item : order.items) {
    const auto failed = std::ranges::find(failures, item.key, &DeleteFailure::key);
    if (failed != failures.end()) {
      xml.Open("Error").Text("Key", item.key).Text("Code", S3CodeOf(failed->error));
      xml.Text("Message", failed->error.message()).Close("Error");
    } else if (!order.is_quiet) {
      xml.Open("Deleted").Text("Key", item.key);
      if (!item.version_id.empty()) xml.Text("VersionId", item.version_id);
      xml.Close("Deleted");
    }
  }
  co_return co_await RespondXml(call, std::move(xml));
}

}  // namespace headrace::gateway
