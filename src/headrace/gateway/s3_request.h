// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/byte_range.h"
#include "headrace/base/error.h"
#include "headrace/net/http_message.h"
#include "headrace/store/object_store.h"

namespace headrace::gateway {

// What a request's target and Host say, decoded.
struct S3Target {
  std::string bucket;  // Empty: the service itself.
  std::string key;     // Empty: the bucket itself.
  bool is_virtual_host = false;
  std::vector<std::pair<std::string, std::string>> query;

  // The parameter's value; nothing when it is not there.
  std::optional<std::string_view> Query(std::string_view name) const;
  std::string QueryText(std::string_view name) const {
    return std::string(Query(name).value_or(std::string_view()));
  }
};

// Path style, or virtual-host style when Host is BUCKET.DOMAIN for one of `domains`. InvalidURI for
// broken percent-encoding, InvalidArgument for a parameter given twice.
Result<S3Target> ParseS3Target(const net::HttpRequestHead& head,
                               std::span<const std::string> domains);

// "bytes=a-b", "bytes=a-", "bytes=-n" against a size. Nothing: the whole object (no header, several
// ranges, another unit, or nonsense, which RFC 9110 says to ignore). InvalidRange: beyond the end.
Result<std::optional<ByteRange>> ParseRange(std::string_view header, uint64_t size_bytes);

// "/bucket/key" or "bucket/key", percent-encoded, perhaps with ?versionId=null.
struct CopySource {
  std::string bucket;
  std::string key;
};
Result<CopySource> ParseCopySource(std::string_view header);

// Of x-amz-storage-class; empty: STANDARD. InvalidStorageClass for what S3 has none of.
Result<std::string> StorageClassOf(const net::HttpHeaders& headers);

// Content-Type, x-amz-meta-… and the rest that is kept with an object. MetadataTooLarge past 2 KiB
// of user metadata, InvalidStorageClass.
Result<ObjectAttributes> AttributesOf(const net::HttpHeaders& headers);

// If-Match and If-None-Match of a write.
Result<Conditions> WriteConditionsOf(const net::HttpHeaders& headers);

// The ETag without its quotes.
std::string_view Unquoted(std::string_view etag);

// What the conditional headers of a read make of it.
enum class ReadVerdict { kSend, kNotModified, kPreconditionFailed };
struct ReadConditions {
  std::string_view if_match;
  std::string_view if_none_match;
  std::string_view if_modified_since;
  std::string_view if_unmodified_since;
};
// RFC 9110 section 13.2.2.
ReadVerdict JudgeRead(const ReadConditions& conditions, const ObjectInfo& object);

}  // namespace headrace::gateway
