// SPDX-License-Identifier: Apache-2.0
// PutObject, CopyObject, DeleteObject, tags.
#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/xml_request.h"

namespace headrace::gateway {
namespace {

Task<Status> PutTagsOf(S3Call& call, const std::map<std::string, std::string>& tags) {
  const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
  co_return co_await call.store.PutTags(request, tags, call.context);
}

// Of a header that says whether a copy takes its source's or is given its own.
Result<bool> IsReplace(const S3Call& call, std::string_view header) {
  const std::string_view directive = call.Header(header);
  if (directive.empty() || directive == "COPY") return false;
  if (directive == "REPLACE") return true;
  return FailS3("InvalidArgument", fmt::format("{} is COPY or REPLACE", header));
}

// S3 Express's append: x-amz-write-offset-bytes.
Task<Status> AnswerAppend(S3Call& call, std::string_view offset) {
  AppendRequest request{.bucket = call.target.bucket, .key = call.target.key};
  const auto offset_bytes = ParseDecimal(offset);
  if (!offset_bytes) {
    co_return FailS3("InvalidArgument", "x-amz-write-offset-bytes must be a number");
  }
  request.offset_bytes = *offset_bytes;
  HR_CO_TRY_ASSIGN(request.conditions, WriteConditionsOf(call.headers()));
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::Make(call.http, call.identity));
  HR_CO_TRY_ASSIGN(const PutResult result, co_await call.store.Append(request, body, call.context));
  const HeadRequest made{.bucket = request.bucket, .key = request.key};
  HR_CO_TRY_ASSIGN(const ObjectHead now, co_await call.store.Head(made, call.context));
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("ETag", '"' + result.etag + '"');
  if (result.checksum) AddChecksumFields(head, *result.checksum);
  head.headers.Add("x-amz-object-size", std::to_string(now.info.size_bytes));
  co_return co_await call.http.Respond(head, {});
}

}  // namespace

Status CheckCopySource(const S3Call& call, const ObjectInfo& source) {
  const ReadConditions conditions{
      .if_match = call.Header("x-amz-copy-source-if-match"),
      .if_none_match = call.Header("x-amz-copy-source-if-none-match"),
      .if_modified_since = call.Header("x-amz-copy-source-if-modified-since"),
      .if_unmodified_since = call.Header("x-amz-copy-source-if-unmodified-since")};
  if (JudgeRead(conditions, source) == ReadVerdict::kSend) return Ok();
  return FailS3("PreconditionFailed", "a condition on the source of the copy does not hold");
}

Task<Status> AnswerPutObject(S3Call& call) {
  HR_CO_TRY(CheckProtection(call.headers()));
  if (const auto offset = call.headers().Find("x-amz-write-offset-bytes")) {
    co_return co_await AnswerAppend(call, *offset);
  }
  PutRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(request.attributes, AttributesOf(call.headers()));
  HR_CO_TRY_ASSIGN(request.conditions, WriteConditionsOf(call.headers()));
  HR_CO_TRY_ASSIGN(request.tags, ParseTaggingHeader(call.Header("x-amz-tagging")));
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::Make(call.http, call.identity));
  HR_CO_TRY_ASSIGN(const PutResult result, co_await call.store.Put(request, body, call.context));
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("ETag", '"' + result.etag + '"');
  if (result.checksum) AddChecksumFields(head, *result.checksum);
  co_return co_await call.http.Respond(head, {});
}

Task<Status> AnswerCopyObject(S3Call& call) {
  HR_CO_TRY_ASSIGN(const CopySource source, ParseCopySource(call.Header("x-amz-copy-source")));
  HR_CO_TRY_ASSIGN(const bool replaces, IsReplace(call, "x-amz-metadata-directive"));
  CopyRequest request{.source_bucket = source.bucket,
                      .source_key = source.key,
                      .bucket = call.target.bucket,
                      .key = call.target.key};
  HR_CO_TRY(CheckProtection(call.headers()));
  HR_CO_TRY_ASSIGN(request.checksum_algorithm, AskedChecksum(call));
  const bool is_same = source.bucket == request.bucket && source.key == request.key;
  if (is_same && !replaces && !call.headers().Find("x-amz-storage-class")) {
    co_return FailS3("InvalidRequest",
                     "a copy of an object onto itself must change its metadata or storage class");
  }
  HR_CO_TRY_ASSIGN(request.conditions, WriteConditionsOf(call.headers()));
  HR_CO_TRY_ASSIGN(const bool replaces_tags, IsReplace(call, "x-amz-tagging-directive"));
  std::map<std::string, std::string> tags;
  if (replaces_tags) {
    HR_CO_TRY_ASSIGN(tags, ParseTaggingHeader(call.Header("x-amz-tagging")));
  }
  const HeadRequest head_request{.bucket = source.bucket, .key = source.key};
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await call.store.Open(head_request, call.context));
  const ObjectHead& source_head = opened.object->head;
  HR_CO_TRY(CheckCopySource(call, source_head.info));
  request.source_if_match = source_head.info.etag;
  if (replaces) {
    HR_CO_TRY_ASSIGN(request.attributes, AttributesOf(call.headers()));
  } else if (call.headers().Find("x-amz-storage-class")) {
    request.attributes = source_head.attributes;
    HR_CO_TRY_ASSIGN(request.attributes->storage_class, StorageClassOf(call.headers()));
  }
  HR_CO_TRY_ASSIGN(const PutResult result, co_await call.store.Copy(request, call.context));
  if (replaces_tags) HR_CO_TRY(co_await PutTagsOf(call, tags));
  const HeadRequest made{.bucket = request.bucket, .key = request.key};
  HR_CO_TRY_ASSIGN(const ObjectHead now, co_await call.store.Head(made, call.context));
  XmlAnswer xml("CopyObjectResult");
  xml.Time("LastModified", now.info.modified).Etag(result.etag);
  if (result.checksum) AddChecksum(xml, *result.checksum);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerRenameObject(S3Call& call) {
  // Percent-encoded, with or without a slash in front, and within the bucket.
  auto source = UriDecode(call.Header("x-amz-rename-source"));
  if (source && source->starts_with('/')) source->erase(0, 1);
  const std::string own_prefix = call.target.bucket + "/";
  if (source && source->starts_with(own_prefix)) source->erase(0, own_prefix.size());
  if (!source || source->empty()) {
    co_return FailS3("InvalidArgument", "x-amz-rename-source must be a percent-encoded key");
  }
  RenameRequest request{
      .bucket = call.target.bucket, .source_key = std::move(*source), .key = call.target.key};
  HR_CO_TRY_ASSIGN(request.conditions, WriteConditionsOf(call.headers()));
  const HeadRequest head_request{.bucket = request.bucket, .key = request.source_key};
  HR_CO_TRY_ASSIGN(const ObjectHead head, co_await call.store.Head(head_request, call.context));
  const ReadConditions conditions{
      .if_match = call.Header("x-amz-rename-source-if-match"),
      .if_none_match = call.Header("x-amz-rename-source-if-none-match"),
      .if_modified_since = call.Header("x-amz-rename-source-if-modified-since"),
      .if_unmodified_since = call.Header("x-amz-rename-source-if-unmodified-since")};
  if (JudgeRead(conditions, head.info) != ReadVerdict::kSend) {
    co_return FailS3("PreconditionFailed", "a condition on the source does not hold");
  }
  request.source_if_match = head.info.etag;
  HR_CO_TRY(co_await call.store.Rename(request, call.context));
  co_return co_await RespondEmpty(call, 200);
}

Task<Status> AnswerGetObjectLock(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY(co_await call.store.Head(request, call.context));
  co_return FailS3("InvalidRequest", "Bucket is missing Object Lock Configuration");
}

Task<Status> AnswerDeleteObject(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  DeleteRequest request{.bucket = call.target.bucket, .key = call.target.key};
  request.conditions.if_match = Unquoted(call.Header("If-Match"));
  HR_CO_TRY(co_await call.store.Delete(request, call.context));
  co_return co_await RespondEmpty(call, 204);
}

Task<Status> AnswerGetTagging(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await call.store.Open(request, call.context));
  XmlAnswer xml("Tagging");
  xml.Open("TagSet");
  for (const auto& [name, value] : opened.object->tags) {
    xml.Open("Tag").Text("Key", name).Text("Value", value).Close("Tag");
  }
  xml.Close("TagSet");
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerPutTagging(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  std::map<std::string, std::string> tags;
  const bool deletes = call.route.operation == Operation::kDeleteObjectTagging;
  if (!deletes) {
    HR_CO_TRY_ASSIGN(const std::string text, co_await ReadXmlBody(call));
    HR_CO_TRY_ASSIGN(tags, ParseTagging(text));
  }
  HR_CO_TRY(co_await PutTagsOf(call, tags));
  co_return co_await RespondEmpty(call, deletes ? 204 : 200);
}

// Rights are the server's, not the object's: a canned ACL is accepted and changes nothing.
Task<Status> AnswerPutAcl(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  if (call.target.key.empty()) {
    HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  } else {
    const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
    HR_CO_TRY(co_await call.store.Head(request, call.context));
  }
  HR_CO_TRY(co_await ReadXmlBody(call));
  co_return co_await RespondEmpty(call, 200);
}

}  // namespace headrace::gateway
