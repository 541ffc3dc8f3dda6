// SPDX-License-Identifier: Apache-2.0
// Uploads in parts.
#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/xml_request.h"
#include "headrace/store/s3_limits.h"

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
  for (const auto algorithm : kChecksumAlgorithms) {
    const std::string name = fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(algorithm));
    const auto value = call.headers().Find(name);
    if (!value) continue;
    const bool is_composite = value->find('-') != std::string_view::npos ||
                              call.Header("x-amz-checksum-type") == "COMPOSITE";
    return Checksum{
        .algorithm = algorithm, .value = std::string(*value), .is_composite = is_composite};
  }
  return std::nullopt;
}

// A part has no checksum type: it is always of the part's bytes.
void AddPartChecksum(net::HttpResponseHead& head, const Checksum& checksum) {
  head.headers.Add(fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(checksum.algorithm)),
                   checksum.value);
}

// True: composite. S3's own choice where the client makes none; nothing without an algorithm.
Result<std::optional<bool>> AskedType(const S3Call& call,
                                      std::optional<ChecksumAlgorithm> algorithm) {
  const std::string_view type = call.Header("x-amz-checksum-type");
  if (!type.empty() && type != "COMPOSITE" && type != "FULL_OBJECT") {
    return FailS3("InvalidRequest", "x-amz-checksum-type is COMPOSITE or FULL_OBJECT");
  }
  if (!algorithm) {
    if (type.empty()) return std::nullopt;
    return FailS3("InvalidRequest", "x-amz-checksum-type needs x-amz-checksum-algorithm");
  }
  const bool is_nvme = *algorithm == ChecksumAlgorithm::kCrc64Nvme;
  const bool is_composite = type.empty() ? !is_nvme : type == "COMPOSITE";
  // Sums of parts cannot be combined for digests; a CRC64NVME is always of the whole.
  if (is_composite ? is_nvme : !IsCrc(*algorithm)) {
    return FailS3("InvalidRequest", fmt::format("the checksum type {} cannot be used with {}", type,
                                                ChecksumName(*algorithm)));
  }
  return std::optional<bool>(is_composite);
}

// x-amz-mp-object-size: what the client takes the whole for.
Task<Status> CheckWholeSize(S3Call& call, const CompleteMultipartRequest& request) {
  const auto header = call.headers().Find("x-amz-mp-object-size");
  if (!header) co_return Ok();
  const ListPartsRequest all{.upload = request.upload, .count_max = kPartCountMax};
  HR_CO_TRY_ASSIGN(const ListPartsPage page, co_await call.store.ListParts(all, call.context));
  uint64_t size_bytes = 0;
  for (const PartInfo& part : page.parts) {
    const bool is_chosen = std::ranges::any_of(request.parts, [&](const PartInfo& named) {
      return named.part_number == part.part_number;
    });
    if (is_chosen) size_bytes += part.size_bytes;
  }
  if (ParseDecimal(*header) == size_bytes) co_return Ok();
  co_return FailS3("InvalidRequest",
                   fmt::format("x-amz-mp-object-size is not the parts' {} bytes", size_bytes));
}

}  // namespace

Task<Status> AnswerCreateUpload(S3Call& call) {
  CreateMultipartRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(request.attributes, AttributesOf(call.headers()));
  HR_CO_TRY(CheckProtection(call.headers()));
  HR_CO_TRY_ASSIGN(request.tags, ParseTaggingHeader(call.Header("x-amz-tagging")));
  HR_CO_TRY_ASSIGN(request.checksum_algorithm, AskedChecksum(call));
  HR_CO_TRY_ASSIGN(request.checksum_is_composite, AskedType(call, request.checksum_algorithm));
  HR_CO_TRY_ASSIGN(const MultipartUpload upload,
                   co_await call.store.CreateMultipart(request, call.context));
  XmlAnswer xml("InitiateMultipartUploadResult");
  xml.Text("Bucket", upload.bucket).Text("Key", upload.key).Text("UploadId", upload.upload_id);
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("Content-Type", "application/xml");
  if (request.checksum_algorithm) {
    head.headers.Add("x-amz-checksum-algorithm",
                     std::string(ChecksumName(*request.checksum_algorithm)));
    head.headers.Add("x-amz-checksum-type",
                     std::string(ChecksumType(*request.checksum_is_composite)));
  }
  const std::string text = std::move(xml).End();
  co_return co_await call.http.Respond(head, std::as_bytes(std::span(text)));
}

Task<Status> AnswerUploadPart(S3Call& call) {
  UploadPartRequest request{.upload = UploadOf(call)};
  HR_CO_TRY_ASSIGN(request.part_number, PartNumberOf(call));
  HR_CO_TRY(CheckProtection(call.headers()));
  HR_CO_TRY_ASSIGN(RequestBody body, RequestBody::Make(call.http, call.identity));
  HR_CO_TRY_ASSIGN(const PartInfo part,
                   co_await call.store.UploadPart(request, body, call.context));
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("ETag", '"' + part.etag + '"');
  if (part.checksum) AddPartChecksum(head, *part.checksum);
  co_return co_await call.http.Respond(head, {});
}

Task<Status> AnswerUploadPartCopy(S3Call& call) {
  HR_CO_TRY_ASSIGN(const CopySource source, ParseCopySource(call.Header("x-amz-copy-source")));
  CopyPartRequest request{
      .upload = UploadOf(call), .source_bucket = source.bucket, .source_key = source.key};
  HR_CO_TRY_ASSIGN(request.part_number, PartNumberOf(call));
  const HeadRequest head_request{.bucket = source.bucket, .key = source.key};
  HR_CO_TRY_ASSIGN(const ObjectHead head, co_await call.store.Head(head_request, call.context));
  HR_CO_TRY(CheckCopySource(call, head.info));
  request.source_if_match = head.info.etag;
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
  if (part.checksum) xml.Text(ChecksumElement(part.checksum->algorithm), part.checksum->value);
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
  HR_CO_TRY(co_await CheckWholeSize(call, request));
  HR_CO_TRY_ASSIGN(const PutResult result,
                   co_await call.store.CompleteMultipart(request, call.context));
  XmlAnswer xml("CompleteMultipartUploadResult");
  xml.Text("Location", LocationOf(call, call.target.key));
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
    xml.Text("ChecksumType", ChecksumType(page.upload.checksum_is_composite));
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
