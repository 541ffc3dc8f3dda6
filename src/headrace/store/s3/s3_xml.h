// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

// The XML documents of S3 that a client reads and writes. Pure. Readers give kCorrupt for text that
// is not the document expected; namespaces are ignored, as servers differ in them.
namespace headrace::s3 {

// ListBucketResult (version 2). Keys and prefixes are decoded where the server encoded them.
Result<ListPage> ReadListPage(std::string_view text);

struct BucketPage {
  std::vector<BucketInfo> buckets;
  std::string next_token;  // Empty: this was the last page.
};
// ListAllMyBucketsResult.
Result<BucketPage> ReadBucketPage(std::string_view text);

// UploadId of an InitiateMultipartUploadResult.
Result<std::string> ReadUploadId(std::string_view text);

// CopyObjectResult, CopyPartResult and CompleteMultipartUploadResult.
struct WriteResult {
  std::string etag;  // Without quotes.
  SystemTime modified{};
  std::optional<Checksum> checksum;
};
Result<WriteResult> ReadWriteResult(std::string_view text);

struct FailedDelete {
  std::string key;
  std::string code;
  std::string message;
};
// The errors of a DeleteResult.
Result<std::vector<FailedDelete>> ReadDeleteResult(std::string_view text);

// True when XML 1.0 can carry the text: valid UTF-8 without control characters other than tab,
// line feed and carriage return.
bool FitsIntoXml(std::string_view text);
std::string DeleteDocument(const std::vector<std::string>& keys);
std::string CompleteDocument(const std::vector<PartInfo>& parts);
std::string CreateBucketDocument(std::string_view region);

// An ETag without the quotes that HTTP and XML put around it, and without a weak one's W/.
std::string_view Unquoted(std::string_view etag);
// A checksum value as S3 writes it ("…-3" is composite); nothing for an empty one.
std::optional<Checksum> ReadChecksum(ChecksumAlgorithm algorithm, std::string_view value,
                                     std::string_view type);

}  // namespace headrace::s3
