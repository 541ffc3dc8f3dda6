// SPDX-License-Identifier: Apache-2.0
// S3Store's operations that read, list and delete objects.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/store/s3/get_exchange.h"
#include "headrace/store/s3/object_headers.h"
#include "headrace/store/s3/s3_store_parts.h"
#include "headrace/store/s3/s3_xml.h"
#include "headrace/store/s3_limits.h"

namespace headrace::s3 {
namespace {

std::string Md5Base64(std::string_view text) {
  RunningDigest digest(DigestKind::kMd5);
  digest.Update(AsBytes(text));
  return Base64Encode(AsBytes(digest.Finish()));
}

DeleteFailure AsFailure(const std::string& bucket, const FailedDelete& failed) {
  // The status says nothing about one key of a batch: the code does.
  const int status = failed.code == "AccessDenied" ? 403 : 200;
  return {.key = failed.key,
          .error = MakeS3Error(status, {}, {.code = failed.code, .message = failed.message},
                               {.verb = "delete", .bucket = bucket, .key = failed.key})};
}

HeadRequest HeadOf(const GetRequest& request) {
  return {.bucket = request.bucket, .key = request.key, .conditions = request.conditions};
}

// What there is to know about an object of which no byte is asked for.
Task<Result<GetResult>> GetNothing(S3Store& store, const GetRequest& request,
                                   const CallContext& context) {
  const HeadRequest same_object = HeadOf(request);
  HR_CO_TRY_ASSIGN(ObjectHead head, co_await store.Head(same_object, context));
  co_return GetResult{.head = std::move(head), .size_bytes = 0};
}

// After 416 Range Not Satisfiable: right for an empty object, where there is nothing to send.
Task<Result<GetResult>> GetNothingIfEmpty(S3Store& store, const GetRequest& request,
                                          const CallContext& context, const Error& refusal) {
  auto got = co_await GetNothing(store, request, context);
  if (got && got->head.info.size_bytes > 0) co_return std::unexpected(refusal);
  co_return got;
}

// The frame of this one is taken for each object: what few need stands above.
Task<Result<GetResult>> GetSome(RequestRunner& runner, S3Store& store, const GetRequest& request,
                                const CallContext& context, S3Metrics* apart) {
  GetExchange exchange(request, runner.config().verify_checksums);
  const Status outcome = co_await runner.Run(exchange, context, apart);
  if (outcome) co_return exchange.TakeResult();
  if (outcome.error().origin().http_status != 416) co_return std::unexpected(outcome.error());
  co_return co_await GetNothingIfEmpty(store, request, context, outcome.error());
}

}  // namespace

Task<Result<ListPage>> S3Store::List(const ListRequest& request, const CallContext& context) {
  QueryBuilder query;
  query.Add("list-type", "2");
  if (!request.continuation_token.empty()) {
    query.Add("continuation-token", request.continuation_token);
  } else if (!request.start_after.empty()) {
    query.Add("start-after", request.start_after);
  }
  if (!request.delimiter.empty()) query.Add("delimiter", request.delimiter);
  query.Add("encoding-type", "url");
  query.Add("max-keys", std::to_string(request.key_count_max));
  query.Add("prefix", request.prefix);
  TextExchange exchange({.verb = "list", .bucket = request.bucket, .query = query.Take()},
                        kListTextBytesMax);
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  co_return While("list " + ObjectName(request.bucket, request.prefix),
                  ReadListPage(exchange.text()));
}

Task<Result<ObjectHead>> S3Store::Head(const HeadRequest& request, const CallContext& context) {
  S3Request head{.verb = "look up", .method = "HEAD", .bucket = request.bucket, .key = request.key};
  AddConditions(request.conditions, head.headers);
  if (parts_->runner->config().verify_checksums) {
    head.headers.Add("x-amz-checksum-mode", "ENABLED");
  }
  TextExchange exchange(std::move(head), 0);
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  if (!ObjectSizeIn(exchange.headers())) {
    // Taken for 0, it would make an empty file of the object, and mv would then remove it.
    co_return Fail(ErrorCode::kCorrupt,
                   fmt::format("look up {}: the answer does not say how large it is (no "
                               "Content-Length); a proxy on the way may have taken that out",
                               ObjectName(request.bucket, request.key)));
  }
  co_return ReadObjectHead(request.key, exchange.headers());
}

Task<Result<GetResult>> S3Store::Get(const GetRequest& request, const CallContext& context) {
  // No Range header asks for nothing.
  if (request.range && request.range->empty()) return GetNothing(*this, request, context);
  return GetSome(*parts_->runner, *this, request, context, apart_.get());
}

Task<Status> S3Store::Delete(const DeleteRequest& request, const CallContext& context) {
  S3Request call{
      .verb = "delete", .method = "DELETE", .bucket = request.bucket, .key = request.key};
  AddConditions(request.conditions, call.headers);
  TextExchange exchange(std::move(call), kShortTextBytesMax);
  Status outcome = co_await parts_->runner->Run(exchange, context, apart_.get());
  // S3 answers 204 for an absent key; some servers answer 404.
  if (!outcome && outcome.error().origin().s3_code == "NoSuchKey") co_return Ok();
  co_return outcome;
}

Task<Result<std::vector<DeleteFailure>>> S3Store::DeleteMany(const DeleteManyRequest& request,
                                                             const CallContext& context) {
  if (request.keys.size() > kDeleteKeyCountMax) {
    co_return Fail(ErrorCode::kInvalidArgument,
                   fmt::format("delete {} keys in one call: at most {} are possible",
                               request.keys.size(), kDeleteKeyCountMax));
  }
  std::vector<DeleteFailure> failures;
  std::vector<std::string> in_document;
  for (const std::string& key : request.keys) {
    if (FitsIntoXml(key)) {
      in_document.push_back(key);
      continue;
    }
    // A key that XML cannot carry goes alone: in a URL every byte can be written.
    DeleteRequest single{.bucket = request.bucket, .key = key};
    auto deleted = co_await Delete(single, context);
    if (!deleted) failures.push_back({.key = key, .error = deleted.error()});
  }
  if (in_document.empty()) co_return failures;

  const std::string document = DeleteDocument(in_document);
  S3Request call{.verb = "delete objects in",
                 .method = "POST",
                 .bucket = request.bucket,
                 .query = QueryBuilder().Add("delete").Take()};
  // S3 demands an integrity check here; every server knows this one.
  call.headers.Add("Content-MD5", Md5Base64(document));
  call.headers.Add("Content-Type", "application/xml");
  call.body = AsBytes(document);
  call.sends_body = true;
  TextExchange exchange(std::move(call), kListTextBytesMax, true);
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  HR_CO_TRY_ASSIGN(const auto failed, While("delete objects in " + ObjectName(request.bucket, ""),
                                            ReadDeleteResult(exchange.text())));
  for (const FailedDelete& one : failed) {
    if (one.code != "NoSuchKey") failures.push_back(AsFailure(request.bucket, one));
  }
  co_return failures;
}

}  // namespace headrace::s3
