// SPDX-License-Identifier: Apache-2.0
// Answers that list objects and uploads.
#include <algorithm>

#include "headrace/base/encoding.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr uint32_t kPageMax = 1000;
// Sorts after every key that begins with what stands before it: no UTF-8 text holds this byte.
constexpr char kAfterAll = '\xff';

// Keys as the client asked for them: percent-encoded, or as they are.
class KeyText {
 public:
  static Result<KeyText> Make(const S3Call& call) {
    const auto encoding = call.target.Query("encoding-type");
    if (encoding && *encoding != "url") {
      return FailS3("InvalidArgument", "encoding-type can only be 'url'");
    }
    return KeyText(encoding.has_value());
  }
  std::string operator()(std::string_view key) const {
    return encodes_ ? UriEncodePath(key) : std::string(key);
  }
  bool encodes() const { return encodes_; }

 private:
  explicit KeyText(bool encodes) : encodes_(encodes) {}
  bool encodes_;
};

void AddObject(XmlAnswer& xml, const ObjectInfo& object, const KeyText& key_text, bool with_owner,
               bool is_version) {
  xml.Open(is_version ? "Version" : "Contents").Text("Key", key_text(object.key));
  if (is_version) xml.Text("VersionId", "null").Flag("IsLatest", true);
  xml.Time("LastModified", object.modified).Etag(object.etag).Number("Size", object.size_bytes);
  if (with_owner) xml.Owner();
  xml.Text("StorageClass", object.storage_class.empty() ? "STANDARD" : object.storage_class);
  xml.Close(is_version ? "Version" : "Contents");
}

void AddPrefixes(XmlAnswer& xml, const std::vector<std::string>& prefixes,
                 const KeyText& key_text) {
  for (const std::string& prefix : prefixes) {
    xml.Open("CommonPrefixes").Text("Prefix", key_text(prefix)).Close("CommonPrefixes");
  }
}

// A marker that is a common prefix stands for all keys below it.
std::string StartAfterMarker(const std::string& marker, const ListRequest& request) {
  if (request.delimiter.empty() || !marker.starts_with(request.prefix)) return marker;
  const size_t found = marker.find(request.delimiter, request.prefix.size());
  if (found == std::string::npos) return marker;
  return marker.substr(0, found + request.delimiter.size()) + kAfterAll;
}

// The last key or prefix of a page, where the next one goes on.
std::string LastOf(const ListPage& page) {
  const std::string last_key = page.objects.empty() ? std::string() : page.objects.back().key;
  const std::string last_prefix =
      page.common_prefixes.empty() ? std::string() : page.common_prefixes.back();
  return std::max(last_key, last_prefix);
}

void AddVersion2(XmlAnswer& xml, const S3Call& call, const ListPage& page,
                 const KeyText& key_text) {
  xml.Number("KeyCount", page.objects.size() + page.common_prefixes.size());
  if (const auto start = call.target.Query("start-after")) xml.Text("StartAfter", key_text(*start));
  if (const auto token = call.target.Query("continuation-token")) {
    xml.Text("ContinuationToken", *token);
  }
  if (!page.next_token.empty()) xml.Text("NextContinuationToken", page.next_token);
}

// Where the next page of uploads goes on: behind the last upload or the last prefix of this one.
void AddNextUpload(XmlAnswer& xml, const ListUploadsPage& page, const KeyText& key_text) {
  const MultipartUpload last =
      page.uploads.empty() ? MultipartUpload() : page.uploads.back().upload;
  const bool is_prefix = !page.common_prefixes.empty() && page.common_prefixes.back() > last.key;
  xml.Text("NextKeyMarker", key_text(is_prefix ? page.common_prefixes.back() : last.key));
  if (!is_prefix) xml.Text("NextUploadIdMarker", last.upload_id);
}

}  // namespace

Task<Status> AnswerListObjects(S3Call& call) {
  const Operation operation = call.route.operation;
  const bool is_version_2 = operation == Operation::kListObjectsV2;
  const bool is_versions = operation == Operation::kListObjectVersions;
  if (is_version_2 && call.target.QueryText("list-type") != "2") {
    co_return FailS3("InvalidArgument", "list-type can only be 2");
  }
  HR_CO_TRY_ASSIGN(const KeyText key_text, KeyText::Make(call));
  HR_CO_TRY_ASSIGN(const uint32_t asked, NumberQuery(call, "max-keys", kPageMax));
  ListRequest request{.bucket = call.target.bucket,
                      .prefix = call.target.QueryText("prefix"),
                      .delimiter = call.target.QueryText("delimiter"),
                      .key_count_max = std::min(asked, kPageMax)};
  const char* const marker_name = is_versions ? "key-marker" : "marker";
  const std::string marker = call.target.QueryText(marker_name);
  if (is_version_2) {
    request.start_after = call.target.QueryText("start-after");
    request.continuation_token = call.target.QueryText("continuation-token");
    if (const auto token = call.target.Query("continuation-token"); token && token->empty()) {
      co_return FailS3("InvalidArgument", "the continuation token is empty");
    }
  } else {
    request.start_after = StartAfterMarker(marker, request);
  }
  HR_CO_TRY_ASSIGN(const ListPage page, co_await call.store.List(request, call.context));
  const bool is_truncated = !page.next_token.empty();
  XmlAnswer xml(is_versions ? "ListVersionsResult" : "ListBucketResult");
  xml.Text("Name", call.target.bucket).Text("Prefix", key_text(request.prefix));
  if (!request.delimiter.empty()) xml.Text("Delimiter", key_text(request.delimiter));
  xml.Number("MaxKeys", request.key_count_max);
  if (key_text.encodes()) xml.Text("EncodingType", "url");
  xml.Flag("IsTruncated", is_truncated);
  if (is_version_2) {
    AddVersion2(xml, call, page, key_text);
  } else {
    xml.Text(is_versions ? "KeyMarker" : "Marker", key_text(marker));
    const char* const next_name = is_versions ? "NextKeyMarker" : "NextMarker";
    if (is_truncated) xml.Text(next_name, key_text(LastOf(page)));
    if (is_versions) xml.Text("VersionIdMarker", call.target.QueryText("version-id-marker"));
    if (is_versions && is_truncated) xml.Text("NextVersionIdMarker", "null");
  }
  const bool with_owner = !is_version_2 || call.target.QueryText("fetch-owner") == "true";
  for (const ObjectInfo& object : page.objects) {
    AddObject(xml, object, key_text, with_owner, is_versions);
  }
  AddPrefixes(xml, page.common_prefixes, key_text);
  co_return co_await RespondXml(call, std::move(xml));
}

Task<Status> AnswerListUploads(S3Call& call) {
  HR_CO_TRY_ASSIGN(const KeyText key_text, KeyText::Make(call));
  HR_CO_TRY_ASSIGN(const uint32_t asked, NumberQuery(call, "max-uploads", kPageMax));
  const ListUploadsRequest request{.bucket = call.target.bucket,
                                   .prefix = call.target.QueryText("prefix"),
                                   .delimiter = call.target.QueryText("delimiter"),
                                   .key_after = call.target.QueryText("key-marker"),
                                   .upload_id_after = call.target.QueryText("upload-id-marker"),
                                   .count_max = std::min(asked, kPageMax)};
  HR_CO_TRY_ASSIGN(const ListUploadsPage page,
                   co_await call.store.ListUploads(request, call.context));
  XmlAnswer xml("ListMultipartUploadsResult");
  xml.Text("Bucket", request.bucket).Text("Prefix", key_text(request.prefix));
  if (!request.delimiter.empty()) xml.Text("Delimiter", key_text(request.delimiter));
  xml.Text("KeyMarker", key_text(request.key_after));
  xml.Text("UploadIdMarker", request.upload_id_after).Number("MaxUploads", request.count_max);
  if (key_text.encodes()) xml.Text("EncodingType", "url");
  xml.Flag("IsTruncated", page.is_truncated);
  if (page.is_truncated) AddNextUpload(xml, page, key_text);
  for (const UploadInfo& upload : page.uploads) {
    xml.Open("Upload").Text("Key", key_text(upload.upload.key));
    xml.Text("UploadId", upload.upload.upload_id).Owner("Initiator").Owner();
    xml.Text("StorageClass", upload.storage_class.empty() ? "STANDARD" : upload.storage_class);
    xml.Time("Initiated", upload.started);
    if (upload.checksum_algorithm) {
      xml.Text("ChecksumAlgorithm", ChecksumName(*upload.checksum_algorithm));
      xml.Text("ChecksumType", ChecksumType(upload.checksum_is_composite));
    }
    xml.Close("Upload");
  }
  AddPrefixes(xml, page.common_prefixes, key_text);
  co_return co_await RespondXml(call, std::move(xml));
}

}  // namespace headrace::gateway
