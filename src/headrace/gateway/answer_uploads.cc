// SPDX-License-Identifier: Apache-2.0
// Uploads in parts.
#include <fmt/format.h>

#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/xml_request.h"

namespace headrace::gateway {
namespace {

MultipartUpload UploadOf(const S3Call& call) {
  return {.bucket = call.target.bucket,
          .key = call.target.key,
          .upload_id = call.target.QueryText("uploadId")};
}

Result<uint32_t> PartNumberOf(const S3Call& call) {
  HR_TRY_ASSIGN(const uint32_t number, NumberQuery(call, "partNumber", 0));
  if (number < 1 || number > 10'000) {
    return FailS3("InvalidArgument", "part numbers are 1 to 10,000");
  }
  return number;
}

// The whole object's checksum in the headers of a completion.
std::optional<Checksum> WholeChecksumOf(const S3Call& call) {
  for (const auto algorithm :
       {ChecksumAlgorithm::kCrc32, ChecksumAlgorithm::kCrc32c, ChecksumAlgorithm::kCrc64Nvme,
        ChecksumAlgorithm::kSha1, ChecksumAlgorithm::kSha256}) {
    const std::string name = fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(algorithm));
    const auto value = call.headers().Find(name);
    if (!value) continue;
    return Checksum{.algorithm = algorithm,
                    .value = std::string(*value),
                    .is_composite = value->find('-') != std::string_view::npos};
  }
  return std::nullopt;
}

}  // namespace

Task<Status> AnswerCreateUpload(S3Call& call) {
  CreateMultipartRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(request.attributes, AttributesOf(call.headers()));
  const std::string_view algorithm = call.Header("x-amz-checksum-algorithm");
  request.checksum_algorithm = ParseChecksumAlgorithm(algorithm);
  if (!algorithm.empty() && !request.checksum_algorithm) {
    co_return FailS3("InvalidRequest",
                     fmt::format("the checksum algorithm {} is not supported", algorithm));
  }
  HR_CO_TRY_ASSIGN(const MultipartUpload upload,
                   co_await call.store.CreateMultipart(request, call.context));
  XmlAnswer xml("InitiateMultipartUploadResult");
  xml.Text("Bucket", upload.bucket).Text("Key", upload.key).Text("UploadId", upload.upload_id);
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("Content-Type", "application/xml");
  if (request.checksum_algorithm) {
    head.headers.Add("x-amz-checksum-algorithm",
                     std::string(ChecksumName(*request.checksum_algorithm)));
  }
  const std::string text = std::move(xml).End();
  co_return co_await call.http.Respond(head, std::as_bytes(std::span(text)));
}

Task<Status> AnswerUploadPart(S3Call& call) {
  UploadPartRequest request{.upload = UploadOf(call)};
  HR_CO_TRY_ASSIGN(request.part_number, PartNumberOf(call));
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::Make(call.http, call.identity));
  HR_CO_TRY_ASSIGN(const PartInfo part,
                   co_await call.store.UploadPart(request, body, call.context));
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("ETag", '"' + part.etag + '"');
  if (part.checksum) AddChecksumFields(head, *part.checksum);
  co_return co_await call.http.Respond(head, {});
}

Task<Status> AnswerUploadPartCopy(S3Call& call) {
  HR_CO_TRY_ASSIGN(const CopySource source, ParseCopySource(call.Header("x-amz-copy-source")));
  CopyPartRequest request{
      .upload = UploadOf(call), .source_bucket = source.bucket, .source_key = source.key};
  HR_CO_TRY_ASSIGN(request.part_number, PartNumberOf(call));
  request.source_if_match = Unquoted(call.Header("x-amz-copy-source-if-match"));
  if (const auto range = call.headers().Find("x-amz-copy-source-range")) {
    // A copy names both ends and is refused past the source's end, so no size cuts it here.
    HR_CO_TRY_ASSIGN(request.source_range, ParseRange(*range, UINT64_MAX));
    if (!request.source_range || range->ends_with('-')) {
      co_return FailS3("InvalidArgument", "x-amz-copy-source-range must be bytes=FIRST-LAST");
    }
  }
  HR_CO_TRY_ASSIGN(const PartInfo part, co_await call.store.CopyPart(request, call.context));
  XmlAnswer xml("CopyPartResult");
  xml.Time("LastModified", part.modified).Etag(part.etag);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerCompleteUpload(S3Call& call) {
  CompleteMultipartRequest request{.upload = UploadOf(call)};
  HR_CO_TRY_ASSIGN(request.conditions, WriteConditionsOf(call.headers()));
  request.checksum = WholeChecksumOf(call);
  // Those headers are about the object, not about this request's body.
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::MakeUnsummed(call.http, call.identity));
  HR_CO_TRY_ASSIGN(const std::string text, co_await ReadBodyText(body, kXmlBytesMax));
  HR_CO_TRY_ASSIGN(request.parts, ParseComplete(text));
  HR_CO_TRY_ASSIGN(const PutResult result,
                   co_await call.store.CompleteMultipart(request, call.context));
  XmlAnswer xml("CompleteMultipartUploadResult");
  xml.Text("Location", fmt::format("http://{}/{}/{}", call.Header("Host"), call.target.bucket,
                                   call.target.key));
  xml.Text("Bucket", call.target.bucket).Text("Key", call.target.key).Etag(result.etag);
  if (result.checksum) AddChecksum(xml, *result.checksum);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerAbortUpload(S3Call& call) {
  const MultipartUpload upload = UploadOf(call);
  HR_CO_TRY(co_await call.store.AbortMultipart(upload, call.context));
  co_return co_await RespondEmpty(call, 204);
}

Task<Status> AnswerListParts(S3Call& call) {
  ListPartsRequest request{.upload = UploadOf(call)};
  HR_CO_TRY_ASSIGN(request.number_after, NumberQuery(call, "part-number-marker", 0));
  HR_CO_TRY_ASSIGN(const uint32_t asked, NumberQuery(call, "max-parts", 1000));
  request.count_max = std::min(asked, 1000U);
  HR_CO_TRY_ASSIGN(const ListPartsPage page, co_await call.store.ListParts(request, call.context));
  XmlAnswer xml("ListPartsResult");
  xml.Text("Bucket", request.upload.bucket).Text("Key", request.upload.key);
  xml.Text("UploadId", request.upload.upload_id).Owner("Initiator").Owner();
  xml.Text("StorageClass",
           page.upload.storage_class.empty() ? "STANDARD" : page.upload.storage_class);
  xml.Number("PartNumberMarker", request.number_after);
  if (page.is_truncated && !page.parts.empty()) {
    xml.Number("NextPartNumberMarker", page.parts.back().part_number);
  }
  xml.Number("MaxParts", request.count_max).Flag("IsTruncated", page.is_truncated);
  if (page.upload.checksum_algorithm) {
    xml.Text("ChecksumAlgorithm", ChecksumName(*page.upload.checksum_algorithm));
  }
  for (const PartInfo& part : page.parts) {
    xml.Open("Part").Number("PartNumber", part.part_number).Time("LastModified", part.modified);
    xml.Etag(part.etag).Number("Size", part.size_bytes);
    if (part.checksum) {
      xml.Text(ChecksumElement(part.checksum->algorithm), part.checksum->value);
    }
    xml.Close("Part");
  }
  co_return co_await RespondXml(call, std::move(xml));
}

}  // namespace headrace::gateway
