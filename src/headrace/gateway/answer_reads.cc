// SPDX-License-Identifier: Apache-2.0
// GetObject, HeadObject, GetObjectAttributes.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/net/field_text.h"
#include "headrace/store/s3_limits.h"

namespace headrace::gateway {
namespace {

// What part of an object is sent.
struct Selection {
  ByteRange range;
  bool is_partial = false;
  size_t part_count = 0;  // Of a partNumber request.
};

Result<Selection> SelectPart(std::string_view text, const ServedObject& object) {
  const auto number = ParseDecimal(text);
  if (!number || *number < 1 || *number > kPartCountMax) {
    return FailS3("InvalidArgument", "part numbers are 1 to 10,000");
  }
  std::vector<uint64_t> sizes = object.part_sizes_bytes;
  if (sizes.empty()) sizes.push_back(object.head.info.size_bytes);
  if (*number > sizes.size()) {
    return FailS3("InvalidPartNumber", fmt::format("the object has {} parts", sizes.size()));
  }
  Selection selection{.is_partial = true, .part_count = object.part_sizes_bytes.size()};
  for (size_t index = 0; index < *number; ++index) {
    selection.range.begin = selection.range.end;
    selection.range.end += sizes[index];
  }
  return selection;
}

Result<Selection> Select(const S3Call& call, const ServedObject& object) {
  const uint64_t size_bytes = object.head.info.size_bytes;
  const auto range_header = call.headers().Find("Range");
  if (const auto part = call.target.Query("partNumber")) {
    if (range_header) return FailS3("InvalidRequest", "Range and partNumber exclude each other");
    return SelectPart(*part, object);
  }
  Selection whole{.range = {.begin = 0, .end = size_bytes}};
  if (!range_header) return whole;
  // RFC 9110 section 13.1.5: a range of another version is no range.
  if (const auto if_range = call.headers().Find("If-Range")) {
    if (Unquoted(*if_range) != object.head.info.etag) return whole;
  }
  HR_TRY_ASSIGN(const auto range, ParseRange(*range_header, size_bytes));
  if (!range) return whole;
  return Selection{.range = *range, .is_partial = true};
}

struct Override {
  std::string_view parameter;
  const char* field;
  std::string ObjectAttributes::* attribute;
};
constexpr std::array kFields = {
    Override{"response-content-type", "Content-Type", &ObjectAttributes::content_type},
    Override{"response-content-encoding", "Content-Encoding", &ObjectAttributes::content_encoding},
    Override{"response-content-disposition", "Content-Disposition",
             &ObjectAttributes::content_disposition},
    Override{"response-content-language", "Content-Language", &ObjectAttributes::content_language},
    Override{"response-cache-control", "Cache-Control", &ObjectAttributes::cache_control},
    Override{"response-expires", "Expires", &ObjectAttributes::expires},
};

void AddAttributes(const S3Call& call, const ObjectAttributes& attributes,
                   net::HttpResponseHead& head) {
  const bool may_override = !call.target.query.empty();
  for (const Override& one : kFields) {
    std::string value = attributes.*one.attribute;
    if (may_override) {
      if (const auto given = call.target.Query(one.parameter)) value = *given;
    }
    if (value.empty() && one.attribute == &ObjectAttributes::content_type) {
      value = "binary/octet-stream";
    }
    // A parameter must not smuggle header lines of its own into the answer.
    if (value.empty() || std::ranges::any_of(value, net::IsControlCharacter)) continue;
    head.headers.Add(one.field, std::move(value));
  }
  for (const auto& [name, value] : attributes.user_metadata) {
    head.headers.Add("x-amz-meta-" + name, value);
  }
  if (!attributes.storage_class.empty()) {
    head.headers.Add("x-amz-storage-class", attributes.storage_class);
  }
}

void AddValidators(const ObjectInfo& info, net::HttpResponseHead& head) {
  head.headers.Add("Last-Modified", HttpDate(info.modified));
  head.headers.Add("ETag", '"' + info.etag + '"');
}

net::HttpResponseHead ReadHead(const S3Call& call, const ServedObject& object,
                               const Selection& selection) {
  net::HttpResponseHead head = StartHead(call, selection.is_partial ? 206 : 200);
  AddValidators(object.head.info, head);
  head.headers.Add("Accept-Ranges", "bytes");
  AddAttributes(call, object.head.attributes, head);
  const uint64_t size_bytes = object.head.info.size_bytes;
  if (selection.is_partial && !selection.range.empty()) {
    head.headers.Add("Content-Range", fmt::format("bytes {}-{}/{}", selection.range.begin,
                                                  selection.range.end - 1, size_bytes));
  }
  if (selection.part_count > 0) {
    head.headers.Add("x-amz-mp-parts-count", std::to_string(selection.part_count));
  }
  const bool is_whole = selection.range.size_bytes() == size_bytes;
  if (is_whole && object.head.checksum && call.Header("x-amz-checksum-mode") == "ENABLED") {
    AddChecksumFields(head, *object.head.checksum);
  }
  if (!object.tags.empty()) {
    head.headers.Add("x-amz-tagging-count", std::to_string(object.tags.size()));
  }
  return head;
}

}  // namespace

Task<Status> AnswerRead(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await call.store.Open(request, call.context));
  const ServedObject& object = *opened.object;
  const ReadConditions conditions{.if_match = call.Header("If-Match"),
                                  .if_none_match = call.Header("If-None-Match"),
                                  .if_modified_since = call.Header("If-Modified-Since"),
                                  .if_unmodified_since = call.Header("If-Unmodified-Since")};
  switch (JudgeRead(conditions, object.head.info)) {
    case ReadVerdict::kSend:
      break;
    case ReadVerdict::kNotModified: {
      net::HttpResponseHead head = StartHead(call, 304);
      AddValidators(object.head.info, head);
      co_return co_await call.http.Respond(head, {});
    }
    case ReadVerdict::kPreconditionFailed:
      co_return FailS3("PreconditionFailed", "a condition of the request does not hold");
  }
  HR_CO_TRY_ASSIGN(const Selection selection, Select(call, object));
  const net::HttpResponseHead head = ReadHead(call, object, selection);
  co_return co_await call.http.RespondFile(head, opened.file.get(), selection.range.begin,
                                           selection.range.size_bytes());
}

namespace {

Result<uint32_t> NumberHeader(const S3Call& call, std::string_view name, uint32_t otherwise) {
  const auto text = call.headers().Find(name);
  if (!text) return otherwise;
  const auto number = ParseDecimal(*text);
  if (number && *number <= INT32_MAX) return static_cast<uint32_t>(*number);
  return FailS3("InvalidArgument", fmt::format("{} must be a number up to 2147483647", name));
}

// A page of the object's parts. Like S3, only those of objects with checksums are listed.
Status AddParts(XmlAnswer& xml, const S3Call& call, const ServedObject& object) {
  HR_TRY_ASSIGN(const uint32_t asked, NumberHeader(call, "x-amz-max-parts", 1000));
  HR_TRY_ASSIGN(const uint32_t after, NumberHeader(call, "x-amz-part-number-marker", 0));
  const size_t total = object.part_sizes_bytes.size();
  xml.Open("ObjectParts").Number("PartsCount", total);
  const bool is_listed = object.head.checksum && object.part_checksums.size() == total;
  if (is_listed) {
    const size_t begin = std::min<size_t>(after, total);
    const size_t end = std::min<size_t>(total, begin + std::min(asked, 1000U));
    xml.Number("PartNumberMarker", after).Number("MaxParts", std::min(asked, 1000U));
    xml.Number("NextPartNumberMarker", end == total ? 0 : end).Flag("IsTruncated", end < total);
    for (size_t index = begin; index < end; ++index) {
      xml.Open("Part").Number("PartNumber", index + 1);
      xml.Number("Size", object.part_sizes_bytes[index]);
      xml.Text(ChecksumElement(object.head.checksum->algorithm), object.part_checksums[index]);
      xml.Close("Part");
    }
  }
  xml.Close("ObjectParts");
  return Ok();
}

Status CheckAttributeNames(std::string_view wanted) {
  constexpr std::array<std::string_view, 5> kNames = {"ETag", "Checksum", "ObjectParts",
                                                      "StorageClass", "ObjectSize"};
  while (!wanted.empty()) {
    const size_t comma = wanted.find(',');
    std::string_view one = wanted.substr(0, comma);
    wanted = comma == std::string_view::npos ? std::string_view() : wanted.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (std::ranges::find(kNames, one) == kNames.end()) {
      return FailS3("InvalidArgument", fmt::format("'{}' is no object attribute", one));
    }
  }
  return Ok();
}

// Clients send one field for each attribute, or one for all.
std::string WantedAttributes(const net::HttpHeaders& headers) {
  std::string wanted;
  for (const auto& [name, value] : headers.fields()) {
    if (!EqualIgnoringCase(name, "x-amz-object-attributes")) continue;
    if (!wanted.empty()) wanted += ',';
    wanted += value;
  }
  return wanted;
}

}  // namespace

Task<Status> AnswerGetAttributes(S3Call& call) {
  HR_CO_TRY(CheckVersion(call));
  const std::string wanted = WantedAttributes(call.headers());
  if (wanted.empty()) {
    co_return FailS3("InvalidArgument", "x-amz-object-attributes must name what is wanted");
  }
  HR_CO_TRY(CheckAttributeNames(wanted));
  const HeadRequest request{.bucket = call.target.bucket, .key = call.target.key};
  HR_CO_TRY_ASSIGN(const OpenedObject opened, co_await call.store.Open(request, call.context));
  const ServedObject& object = *opened.object;
  XmlAnswer xml("GetObjectAttributesResponse");
  if (net::HasToken(wanted, "ETag")) xml.Text("ETag", object.head.info.etag);
  if (net::HasToken(wanted, "Checksum") && object.head.checksum) {
    xml.Open("Checksum");
    AddChecksum(xml, *object.head.checksum);
    xml.Close("Checksum");
  }
  if (net::HasToken(wanted, "ObjectParts") && !object.part_sizes_bytes.empty()) {
    HR_CO_TRY(AddParts(xml, call, object));
  }
  if (net::HasToken(wanted, "StorageClass")) {
    const std::string& stored = object.head.info.storage_class;
    xml.Text("StorageClass", stored.empty() ? "STANDARD" : stored);
  }
  if (net::HasToken(wanted, "ObjectSize")) xml.Number("ObjectSize", object.head.info.size_bytes);
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("Content-Type", "application/xml");
  head.headers.Add("Last-Modified", HttpDate(object.head.info.modified));
  const std::string text = std::move(xml).End();
  co_return co_await call.http.Respond(head, std::as_bytes(std::span(text)));
}

}  // namespace headrace::gateway
