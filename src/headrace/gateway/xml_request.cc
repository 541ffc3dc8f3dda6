// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/xml_request.h"

#include <algorithm>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/base/utf8.h"
#include "headrace/base/xml_text.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/s3_request.h"
#include "headrace/store/s3_limits.h"

namespace headrace::gateway {
namespace {

constexpr size_t kTagsMax = 10;
constexpr size_t kTagNameCharactersMax = 128;
constexpr size_t kTagValueCharactersMax = 256;

// Keys may be nothing but spaces, or have such a piece (TextOf), so those are kept. pugixml skips
// document types and expands no entities of their making.
constexpr unsigned kParseFlags = pugi::parse_default | pugi::parse_ws_pcdata;

std::unexpected<Error> Malformed() {
  return FailS3("MalformedXML",
                "the XML of the request is not well-formed or not of the expected kind");
}

Status Load(const std::string& xml, const char* root, pugi::xml_document& document,
            pugi::xml_node& node) {
  if (HoldsNoCharacter(xml)) return Malformed();
  if (!document.load_buffer(xml.data(), xml.size(), kParseFlags, pugi::encoding_utf8)) {
    return Malformed();
  }
  // pugixml passes over what stands behind the root, text as well as a second one.
  const size_t last = xml.find_last_not_of(" \t\r\n");
  const auto is_element = [](const pugi::xml_node& one) {
    return one.type() == pugi::node_element;
  };
  if (xml[last] != '>' || std::ranges::count_if(document.children(), is_element) != 1) {
    return Malformed();
  }
  node = document.child(root);
  return node ? Ok() : Malformed();
}

// A comment or a CDATA section cuts a text in pieces.
std::string TextOf(const pugi::xml_node& node, const char* child) {
  std::string text;
  for (const pugi::xml_node& piece : node.child(child).children()) {
    const bool is_text = piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata;
    if (is_text) text += piece.value();
  }
  return text;
}

Status AddTag(std::map<std::string, std::string>& tags, std::string name, std::string value) {
  const bool is_short = FirstCharacters(name, kTagNameCharactersMax).size() == name.size() &&
                        FirstCharacters(value, kTagValueCharactersMax).size() == value.size();
  if (name.empty() || !is_short) {
    return FailS3("InvalidTag", "a tag's name has 1 to 128 characters, its value at most 256");
  }
  if (name.starts_with("aws:")) return FailS3("InvalidTag", "tag names in aws: are S3's own");
  if (!tags.emplace(std::move(name), std::move(value)).second) {
    return FailS3("InvalidTag", "a tag is given twice");
  }
  if (tags.size() > kTagsMax) return FailS3("InvalidTag", "an object has at most 10 tags");
  return Ok();
}

}  // namespace

Result<DeleteOrder> ParseDelete(const std::string& xml) {
  pugi::xml_document document;
  pugi::xml_node root;
  HR_TRY(Load(xml, "Delete", document, root));
  DeleteOrder order;
  order.is_quiet = TextOf(root, "Quiet") == "true";
  for (const pugi::xml_node& object : root.children("Object")) {
    if (!object.child("Key") || order.items.size() == kDeleteKeyCountMax) return Malformed();
    order.items.push_back({.key = TextOf(object, "Key"),
                           .version_id = TextOf(object, "VersionId"),
                           .etag = std::string(Unquoted(TextOf(object, "ETag")))});
  }
  if (order.items.empty()) return Malformed();
  return order;
}

Result<std::vector<PartInfo>> ParseComplete(const std::string& xml) {
  pugi::xml_document document;
  pugi::xml_node root;
  HR_TRY(Load(xml, "CompleteMultipartUpload", document, root));
  std::vector<PartInfo> parts;
  for (const pugi::xml_node& node : root.children("Part")) {
    const auto number = ParseDecimal(TextOf(node, "PartNumber"));
    if (!number || parts.size() == kPartCountMax) return Malformed();
    if (*number < 1 || *number > kPartCountMax) {
      return FailS3("InvalidArgument", "part numbers are 1 to 10,000");
    }
    PartInfo part{.part_number = static_cast<uint32_t>(*number)};
    part.etag = Unquoted(TextOf(node, "ETag"));
    for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
      const std::string element = std::string("Checksum").append(ChecksumName(algorithm));
      if (!node.child(element.c_str())) continue;
      part.checksum = Checksum{.algorithm = algorithm, .value = TextOf(node, element.c_str())};
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return Malformed();
  return parts;
}

Result<std::map<std::string, std::string>> ParseTagging(const std::string& xml) {
  pugi::xml_document document;
  pugi::xml_node root;
  HR_TRY(Load(xml, "Tagging", document, root));
  std::map<std::string, std::string> tags;
  // Without one, all tags would go.
  if (!root.child("TagSet")) return Malformed();
  for (const pugi::xml_node& node : root.child("TagSet").children("Tag")) {
    if (!node.child("Key") || !node.child("Value")) return Malformed();
    HR_TRY(AddTag(tags, TextOf(node, "Key"), TextOf(node, "Value")));
  }
  return tags;
}

Result<std::map<std::string, std::string>> ParseTaggingHeader(std::string_view header) {
  std::map<std::string, std::string> tags;
  while (!header.empty()) {
    const size_t end = header.find('&');
    const std::string_view pair = header.substr(0, end);
    header = end == std::string_view::npos ? std::string_view() : header.substr(end + 1);
    const size_t equals = pair.find('=');
    auto name = UriDecode(pair.substr(0, equals), true);
    auto value = UriDecode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return FailS3("InvalidArgument", "x-amz-tagging is malformed");
    HR_TRY(AddTag(tags, std::move(*name), std::move(*value)));
  }
  return tags;
}

Status CheckCreateBucket(const std::string& xml) {
  if (xml.empty()) return Ok();
  pugi::xml_document document;
  pugi::xml_node root;
  return Load(xml, "CreateBucketConfiguration", document, root);
}

}  // namespace headrace::gateway
