// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_xml.h"

#include <array>
#include <charconv>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/base/utf8.h"
#include "headrace/base/xml_text.h"

namespace headrace::s3 {
namespace {

constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::unexpected<Error> BadDocument(std::string_view root, std::string_view why) {
  return Fail(ErrorCode::kCorrupt, fmt::format("the server's {} cannot be read: {}", root, why));
}

// Blanks around and inside a key count, so they are kept; line ends are not rewritten.
constexpr unsigned kParseOptions =
    pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata | pugi::parse_ws_pcdata_single;

// What came in place of the document called `root`.
std::string OtherDocument(const pugi::xml_document& document) {
  const pugi::xml_node other = document.document_element();
  if (std::string_view(other.name()) == "Error") {
    return fmt::format("it is an error: {}: {}", other.child_value("Code"),
                       other.child_value("Message"));
  }
  return fmt::format("it is a document '{}'; is the endpoint an S3 service's?", other.name());
}

Result<pugi::xml_node> Load(pugi::xml_document& document, std::string_view text, const char* root) {
  const auto parsed = document.load_buffer(text.data(), text.size(), kParseOptions);
  if (!parsed) return BadDocument(root, parsed.description());
  if (HoldsNoCharacter(text)) return BadDocument(root, "it names a character that is none");
  const pugi::xml_node node = document.child(root);
  if (!node) return BadDocument(root, OtherDocument(document));
  return node;
}

Result<std::string> ReadName(const char* text, bool is_encoded, std::string_view root) {
  if (!is_encoded) {
    if (IsUtf8(text)) return std::string(text);
    return BadDocument(root, "a key in it is no UTF-8");
  }
  auto decoded = UriDecode(text, true);
  if (!decoded) return BadDocument(root, fmt::format("broken encoding in '{}'", text));
  return std::move(*decoded);
}

Result<ObjectInfo> ReadObject(const pugi::xml_node& contents, bool is_encoded) {
  ObjectInfo object;
  const char* size = "";
  // One pass over the children: looking each up by name would scan them once for each.
  for (const pugi::xml_node& child : contents.children()) {
    const std::string_view name = child.name();
    if (name == "Key") {
      HR_TRY_ASSIGN(object.key, ReadName(child.child_value(), is_encoded, "ListBucketResult"));
    } else if (name == "Size") {
      size = child.child_value();
    } else if (name == "ETag") {
      object.etag = Unquoted(child.child_value());
    } else if (name == "LastModified") {
      object.modified = ParseIsoTime(child.child_value()).value_or(SystemTime());
    } else if (name == "StorageClass") {
      const std::string_view storage_class = child.child_value();
      if (storage_class != "STANDARD") object.storage_class = storage_class;
    }
  }
  const char* const end = size + std::string_view(size).size();
  const auto [stopped, error] = std::from_chars(size, end, object.size_bytes);
  if (object.key.empty() || error != std::errc() || stopped != end) {
    return BadDocument("ListBucketResult", "an entry without key or size");
  }
  return object;
}

}  // namespace

std::string_view Unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return etag;
}

std::optional<Checksum> ReadChecksum(ChecksumAlgorithm algorithm, std::string_view value,
                                     std::string_view type) {
  if (value.empty()) return std::nullopt;
  return Checksum{.algorithm = algorithm,
                  .value = std::string(value),
                  .is_composite = EqualIgnoringCase(type, "COMPOSITE") ||
                                  value.find('-') != std::string_view::npos};
}

Result<ListPage> ReadListPage(std::string_view text) {
  pugi::xml_document document;
  HR_TRY_ASSIGN(const pugi::xml_node root, Load(document, text, "ListBucketResult"));
  const bool is_encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ListPage page;
  for (const pugi::xml_node& child : root.children()) {
    const std::string_view name = child.name();
    if (name == "Contents") {
      HR_TRY_ASSIGN(ObjectInfo object, ReadObject(child, is_encoded));
      page.objects.push_back(std::move(object));
    } else if (name == "CommonPrefixes") {
      for (const pugi::xml_node& prefix : child.children("Prefix")) {
        HR_TRY_ASSIGN(std::string decoded,
                      ReadName(prefix.child_value(), is_encoded, "ListBucketResult"));
        page.common_prefixes.push_back(std::move(decoded));
      }
    }
  }
  if (std::string_view(root.child_value("IsTruncated")) == "true") {
    page.next_token = root.child_value("NextContinuationToken");
    if (page.next_token.empty()) {
      return BadDocument("ListBucketResult", "it is truncated and has no continuation token");
    }
  }
  return page;
}

Result<BucketPage> ReadBucketPage(std::string_view text) {
  pugi::xml_document document;
  HR_TRY_ASSIGN(const pugi::xml_node root, Load(document, text, "ListAllMyBucketsResult"));
  BucketPage page;
  for (const pugi::xml_node& bucket : root.child("Buckets").children("Bucket")) {
    page.buckets.push_back(
        {.name = bucket.child_value("Name"),
         .created = ParseIsoTime(bucket.child_value("CreationDate")).value_or(SystemTime())});
  }
  page.next_token = root.child_value("ContinuationToken");
  return page;
}

Result<std::string> ReadUploadId(std::string_view text) {
  pugi::xml_document document;
  HR_TRY_ASSIGN(const pugi::xml_node root, Load(document, text, "InitiateMultipartUploadResult"));
  std::string id = root.child_value("UploadId");
  if (id.empty()) return BadDocument("InitiateMultipartUploadResult", "it has no UploadId");
  return id;
}

Result<WriteResult> ReadWriteResult(std::string_view text) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), kParseOptions);
  const pugi::xml_node root = document.document_element();
  if (!parsed || !root || !root.child("ETag")) {
    return BadDocument("result of a copy or completed upload", "it has no ETag");
  }
  WriteResult result;
  result.etag = Unquoted(root.child_value("ETag"));
  result.modified = ParseIsoTime(root.child_value("LastModified")).value_or(SystemTime());
  const std::string_view type = root.child_value("ChecksumType");
  for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
    if (result.checksum) break;
    const std::string name = fmt::format("Checksum{}", ChecksumName(algorithm));
    result.checksum = ReadChecksum(algorithm, root.child_value(name.c_str()), type);
  }
  return result;
}

Result<std::vector<FailedDelete>> ReadDeleteResult(std::string_view text) {
  pugi::xml_document document;
  HR_TRY_ASSIGN(const pugi::xml_node root, Load(document, text, "DeleteResult"));
  std::vector<FailedDelete> failures;
  for (const pugi::xml_node& error : root.children("Error")) {
    failures.push_back({.key = error.child_value("Key"),
                        .code = error.child_value("Code"),
                        .message = error.child_value("Message")});
  }
  return failures;
}

bool FitsIntoXml(std::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterBytes(text);
    if (length == 0) return false;
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x20 && first != '\t' && first != '\n' && first != '\r') return false;
    // U+FFFE and U+FFFF are no XML characters.
    if (text.substr(0, 3) == "\xEF\xBF\xBE" || text.substr(0, 3) == "\xEF\xBF\xBF") return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string DeleteDocument(const std::vector<std::string>& keys) {
  std::string text = fmt::format("<Delete xmlns=\"{}\"><Quiet>true</Quiet>", kNamespace);
  for (const std::string& key : keys) {
    text += "<Object><Key>";
    AppendXmlText(text, key);
    text += "</Key></Object>";
  }
  return text + "</Delete>";
}

std::string CompleteDocument(const std::vector<PartInfo>& parts) {
  std::string text = fmt::format("<CompleteMultipartUpload xmlns=\"{}\">", kNamespace);
  for (const PartInfo& part : parts) {
    text += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;", part.part_number);
    AppendXmlText(text, part.etag);
    text += "&quot;</ETag>";
    if (part.checksum) {
      const std::string_view name = ChecksumName(part.checksum->algorithm);
      text += fmt::format("<Checksum{0}>{1}</Checksum{0}>", name, part.checksum->value);
    }
    text += "</Part>";
  }
  return text + "</CompleteMultipartUpload>";
}

std::string CreateBucketDocument(std::string_view region) {
  std::string text = fmt::format("<CreateBucketConfiguration xmlns=\"{}\">", kNamespace);
  text += "<LocationConstraint>";
  AppendXmlText(text, region);
  return text + "</LocationConstraint></CreateBucketConfiguration>";
}

}  // namespace headrace::s3
