// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/object_headers.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/store/s3/s3_xml.h"

namespace headrace::s3 {
namespace {

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

struct AttributeHeader {
  std::string_view name;
  std::string ObjectAttributes::* member;
};
constexpr std::array kAttributeHeaders = {
    AttributeHeader{"Content-Type", &ObjectAttributes::content_type},
    AttributeHeader{"Content-Encoding", &ObjectAttributes::content_encoding},
    AttributeHeader{"Content-Disposition", &ObjectAttributes::content_disposition},
    AttributeHeader{"Content-Language", &ObjectAttributes::content_language},
    AttributeHeader{"Cache-Control", &ObjectAttributes::cache_control},
    AttributeHeader{"Expires", &ObjectAttributes::expires},
    AttributeHeader{"x-amz-storage-class", &ObjectAttributes::storage_class},
};

bool StartsWithIgnoringCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && EqualIgnoringCase(text.substr(0, prefix.size()), prefix);
}

// Most fields of an answer are not S3's own: a look at one letter settles it.
bool IsAmazonField(std::string_view name) {
  return (name.starts_with('x') || name.starts_with('X')) && StartsWithIgnoringCase(name, "x-amz-");
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// A header carries ASCII. S3 takes and gives other text as an encoded word (RFC 2047).
constexpr std::string_view kWordBegin = "=?UTF-8?B?";
constexpr std::string_view kWordEnd = "?=";

std::string EncodeWord(std::string_view text) {
  if (IsPrintable(text)) return std::string(text);
  return fmt::format("{}{}{}", kWordBegin, Base64Encode(AsBytes(text)), kWordEnd);
}

std::string DecodeWord(std::string_view text) {
  if (text.size() >= kWordBegin.size() + kWordEnd.size() && text.ends_with(kWordEnd) &&
      EqualIgnoringCase(text.substr(0, kWordBegin.size()), kWordBegin)) {
    text.remove_prefix(kWordBegin.size());
    text.remove_suffix(kWordEnd.size());
    if (auto decoded = Base64Decode(text)) return std::move(*decoded);
  }
  return std::string(text);
}

}  // namespace

void AddAttributes(const ObjectAttributes& attributes, net::HttpHeaders& headers) {
  for (const AttributeHeader& header : kAttributeHeaders) {
    const std::string& value = attributes.*header.member;
    if (!value.empty()) headers.Add(std::string(header.name), value);
  }
  for (const auto& [name, value] : attributes.user_metadata) {
    headers.Add(std::string(kMetadataPrefix) + name, EncodeWord(value));
  }
}

void AddTags(const std::map<std::string, std::string>& tags, net::HttpHeaders& headers) {
  if (tags.empty()) return;
  std::string text;
  for (const auto& [name, value] : tags) {
    if (!text.empty()) text += '&';
    text += UriEncode(name) + '=' + UriEncode(value);
  }
  headers.Add("x-amz-tagging", std::move(text));
}

void AddConditions(const Conditions& conditions, net::HttpHeaders& headers) {
  if (!conditions.if_match.empty()) headers.Add("If-Match", "\"" + conditions.if_match + "\"");
  if (conditions.if_none_match_any) headers.Add("If-None-Match", "*");
}

void AddChecksum(const Checksum& checksum, net::HttpHeaders& headers) {
  headers.Add(fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(checksum.algorithm)),
              checksum.value);
}

std::string RangeHeader(ByteRange range) {
  return fmt::format("bytes={}-{}", range.begin, range.end - 1);
}

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange parsed;
  const std::string_view range = text.substr(0, slash);
  const std::string_view size = text.substr(slash + 1);
  if (size != "*") {
    parsed.size_bytes = ParseDecimal(size);
    if (!parsed.size_bytes) return std::nullopt;
  }
  if (range == "*") return parsed;
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = ParseDecimal(range.substr(0, dash));
  const auto last = ParseDecimal(range.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  parsed.range = ByteRange{.begin = *first, .end = *last + 1};
  return parsed;
}

std::optional<Checksum> ChecksumIn(const net::HttpHeaders& headers) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  // Most answers have none: one look over the fields settles it.
  const bool has_any =
      std::any_of(headers.fields().begin(), headers.fields().end(), [&](const auto& field) {
        return IsAmazonField(field.first) && StartsWithIgnoringCase(field.first, kPrefix);
      });
  if (!has_any) return std::nullopt;
  const std::string_view type = headers.Value("x-amz-checksum-type");
  for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
    const std::string name = fmt::format("{}{}", kPrefix, ChecksumHeaderSuffix(algorithm));
    if (auto checksum = ReadChecksum(algorithm, headers.Value(name), type)) return checksum;
  }
  return std::nullopt;
}

std::optional<uint64_t> ObjectSizeIn(const net::HttpHeaders& headers) {
  const auto range = ParseContentRange(headers.Value("Content-Range"));
  if (range) return range->size_bytes;
  return ParseDecimal(headers.Value("Content-Length"));
}

ObjectHead ReadObjectHead(std::string_view key, const net::HttpHeaders& headers) {
  ObjectHead head;
  head.info.key = key;
  head.info.etag = Unquoted(headers.Value("ETag"));
  head.info.modified = ParseHttpDate(headers.Value("Last-Modified")).value_or(SystemTime());
  head.info.size_bytes = ObjectSizeIn(headers).value_or(0);
  for (const auto& [name, value] : headers.fields()) {
    for (const AttributeHeader& header : kAttributeHeaders) {
      if (name.size() != header.name.size()) continue;
      std::string& attribute = head.attributes.*header.member;
      // Of repeated fields the first counts.
      if (attribute.empty() && EqualIgnoringCase(name, header.name)) attribute = value;
    }
  }
  if (head.attributes.storage_class == "STANDARD") head.attributes.storage_class.clear();
  head.info.storage_class = head.attributes.storage_class;
  for (const auto& [name, value] : headers.fields()) {
    if (IsAmazonField(name) && name.size() > kMetadataPrefix.size() &&
        StartsWithIgnoringCase(name, kMetadataPrefix)) {
      head.attributes.user_metadata[LowerCase(name).substr(kMetadataPrefix.size())] =
          DecodeWord(value);
    }
  }
  head.checksum = ChecksumIn(headers);
  return head;
}

}  // namespace headrace::s3
