// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/s3_request.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr size_t kUserMetadataBytesMax = 2 * 1024;

// As the S3 API lists them.
constexpr auto kStorageClasses = std::to_array<std::string_view>(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
     "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS",
     "FSX_ONTAP"});

Status ParseQuery(std::string_view text, S3Target& target) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    auto name = UriDecode(pair.substr(0, equals), true);
    auto value = UriDecode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return FailS3("InvalidURI", "the query has a broken percent-encoding");
    if (target.Query(*name)) {
      return FailS3("InvalidArgument", fmt::format("the parameter '{}' is given twice", *name));
    }
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return Ok();
}

// Host without its port and without the dot that ends a full domain name, in lower case.
std::string HostName(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  return LowerCase(host);
}

// The bucket a virtual-host request names: what stands before the longest domain that fits, dots
// and all. Empty: path style.
std::string BucketOfHost(std::string_view host_field, std::span<const std::string> domains) {
  const std::string host = HostName(host_field);
  size_t bucket_size = host.size();
  for (const std::string& domain : domains) {
    if (host == domain) return {};
    if (host.size() <= domain.size() + 1 || !host.ends_with(domain)) continue;
    const size_t dot = host.size() - domain.size() - 1;
    if (host[dot] == '.') bucket_size = std::min(bucket_size, dot);
  }
  return bucket_size == host.size() ? std::string() : host.substr(0, bucket_size);
}

SystemTime WholeSeconds(SystemTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

bool ListsEtag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || Unquoted(one) == etag) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> S3Target::Query(std::string_view name) const {
  for (const auto& [known, value] : query) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<S3Target> ParseS3Target(const net::HttpRequestHead& head,
                               std::span<const std::string> domains) {
  S3Target target;
  std::string_view path = head.target;
  // Proxies send the absolute form.
  if (const size_t scheme = path.find("://"); scheme != std::string_view::npos && path[0] != '/') {
    const size_t slash = path.find('/', scheme + 3);
    path = slash == std::string_view::npos ? std::string_view("/") : path.substr(slash);
  }
  const size_t question = path.find('?');
  if (question != std::string_view::npos) {
    HR_TRY(ParseQuery(path.substr(question + 1), target));
    path = path.substr(0, question);
  }
  if (!path.starts_with('/')) return FailS3("InvalidURI", "the path does not begin with '/'");
  path.remove_prefix(1);
  auto decoded = UriDecode(path);
  if (!decoded) return FailS3("InvalidURI", "the path has a broken percent-encoding");
  target.bucket = BucketOfHost(head.headers.Value("Host"), domains);
  if (!target.bucket.empty()) {
    target.is_virtual_host = true;
    target.key = std::move(*decoded);
    return target;
  }
  const size_t slash = decoded->find('/');
  target.bucket = decoded->substr(0, slash);
  if (slash != std::string::npos) target.key = decoded->substr(slash + 1);
  if (target.bucket.empty() && !target.key.empty()) {
    return FailS3("InvalidBucketName", "the path has no bucket");
  }
  return target;
}

namespace {

// A number beyond 64 bits is beyond every object: the largest stands for it.
std::optional<uint64_t> PositionIn(std::string_view digits) {
  const auto number = ParseDecimal(digits);
  const bool is_number = !digits.empty() && std::ranges::all_of(digits, IsDigit);
  return number || !is_number ? number : UINT64_MAX;
}

}  // namespace

Result<std::optional<ByteRange>> ParseRange(std::string_view header, uint64_t size_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit) || header.find(',') != std::string_view::npos) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = PositionIn(header.substr(0, dash));
  const auto last = PositionIn(header.substr(dash + 1));
  const bool has_first = dash > 0;
  const bool has_last = dash + 1 < header.size();
  if ((has_first && !first) || (has_last && !last) || (!has_first && !has_last)) {
    return std::nullopt;
  }
  if (has_first && has_last && *last < *first) return std::nullopt;
  const auto beyond = [&] {
    return FailS3("InvalidRange",
                  fmt::format("the range is beyond the object's {} bytes", size_bytes));
  };
  if (!has_first) {
    if (*last == 0 || size_bytes == 0) return beyond();
    return ByteRange{.begin = size_bytes - std::min(*last, size_bytes), .end = size_bytes};
  }
  if (*first >= size_bytes) return beyond();
  const uint64_t end = has_last ? std::min(*last, size_bytes - 1) + 1 : size_bytes;
  return ByteRange{.begin = *first, .end = end};
}

Result<CopySource> ParseCopySource(std::string_view header) {
  const size_t question = header.find('?');
  if (question != std::string_view::npos) {
    const std::string_view version = header.substr(question);
    if (version.starts_with("?versionId=") && version != "?versionId=null") {
      return FailS3("NoSuchVersion", "the only version of an object is 'null'");
    }
    header = header.substr(0, question);
  }
  auto decoded = UriDecode(header);
  if (!decoded) return FailS3("InvalidArgument", "x-amz-copy-source is not percent-encoded text");
  std::string_view path = *decoded;
  if (path.starts_with('/')) path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) {
    return FailS3("InvalidArgument", "x-amz-copy-source must be BUCKET/KEY");
  }
  return CopySource{.bucket = std::string(path.substr(0, slash)),
                    .key = std::string(path.substr(slash + 1))};
}

Result<std::string> StorageClassOf(const net::HttpHeaders& headers) {
  const std::string_view asked = headers.Value("x-amz-storage-class");
  if (asked.empty() || asked == "STANDARD") return std::string();
  if (std::ranges::find(kStorageClasses, asked) != kStorageClasses.end()) {
    return std::string(asked);
  }
  return FailS3("InvalidStorageClass", "The storage class you specified is not valid");
}

Result<ObjectAttributes> AttributesOf(const net::HttpHeaders& headers) {
  ObjectAttributes attributes;
  attributes.content_type = headers.Value("Content-Type");
  attributes.content_disposition = headers.Value("Content-Disposition");
  attributes.content_language = headers.Value("Content-Language");
  attributes.cache_control = headers.Value("Cache-Control");
  attributes.expires = headers.Value("Expires");
  HR_TRY_ASSIGN(attributes.storage_class, StorageClassOf(headers));
  // "aws-chunked" is how the body travelled, not what it is.
  std::string_view encodings = headers.Value("Content-Encoding");
  while (!encodings.empty()) {
    const size_t comma = encodings.find(',');
    std::string_view one = encodings.substr(0, comma);
    encodings = comma == std::string_view::npos ? std::string_view() : encodings.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || EqualIgnoringCase(one, "aws-chunked")) continue;
    if (!attributes.content_encoding.empty()) attributes.content_encoding += ",";
    attributes.content_encoding += one;
  }
  size_t size_bytes = 0;
  for (const auto& [name, value] : headers.fields()) {
    std::string lower = LowerCase(name);
    constexpr std::string_view kPrefix = "x-amz-meta-";
    if (!lower.starts_with(kPrefix)) continue;
    lower.erase(0, kPrefix.size());
    size_bytes += lower.size() + value.size();
    std::string& kept = attributes.user_metadata[std::move(lower)];
    kept += kept.empty() ? value : "," + value;
  }
  if (size_bytes > kUserMetadataBytesMax) {
    return FailS3("MetadataTooLarge", fmt::format("user metadata has {} bytes; at most 2,048 are "
                                                  "allowed",
                                                  size_bytes));
  }
  return attributes;
}

Result<Conditions> WriteConditionsOf(const net::HttpHeaders& headers) {
  Conditions conditions;
  conditions.if_match = Unquoted(headers.Value("If-Match"));
  if (const auto none_match = headers.Find("If-None-Match")) {
    if (*none_match != "*") {
      return FailS3("NotImplemented", "a write takes no If-None-Match but '*'");
    }
    conditions.if_none_match_any = true;
  }
  return conditions;
}

std::string_view Unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    return etag.substr(1, etag.size() - 2);
  }
  return etag;
}

ReadVerdict JudgeRead(const ReadConditions& conditions, const ObjectInfo& object) {
  const SystemTime modified = WholeSeconds(object.modified);
  if (!conditions.if_match.empty()) {
    if (!ListsEtag(conditions.if_match, object.etag)) return ReadVerdict::kPreconditionFailed;
  } else if (const auto since = ParseHttpDate(conditions.if_unmodified_since)) {
    if (modified > *since) return ReadVerdict::kPreconditionFailed;
  }
  if (!conditions.if_none_match.empty()) {
    if (ListsEtag(conditions.if_none_match, object.etag)) return ReadVerdict::kNotModified;
  } else if (const auto since = ParseHttpDate(conditions.if_modified_since)) {
    if (modified <= *since) return ReadVerdict::kNotModified;
  }
  return ReadVerdict::kSend;
}

}  // namespace headrace::gateway
