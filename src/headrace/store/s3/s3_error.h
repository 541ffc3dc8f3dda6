// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/net/http_message.h"
#include "headrace/store/s3/s3_config.h"

namespace headrace::s3 {

// The <Error> document of an S3 answer. Empty fields: not there.
struct ErrorDocument {
  std::string code;
  std::string message;
  std::string request_id;
  std::string region;  // Where the bucket is, in redirects and AuthorizationHeaderMalformed.
};
// Nothing in it when the text is no such document.
ErrorDocument ParseErrorDocument(std::string_view text);
// True for a document whose root is <Error>: the failures that Copy, CompleteMultipartUpload and
// UploadPartCopy report under status 200.
bool IsErrorDocument(std::string_view text);

// What a failed request was about, for its message.
struct RequestSubject {
  std::string_view verb;    // "get", "list"
  std::string_view bucket;  // Empty: the service as a whole.
  std::string_view key;     // Empty: the bucket.
  // Where the keys came from ("profile train in /home/x/.aws/credentials"); never a key itself.
  // Empty: the request was not signed. Nothing: not known here.
  std::optional<std::string_view> credentials_source;
  bool is_head = false;  // Its answers have no body to name a reason.
};
// "s3://bucket/key"; "s3://bucket"; "buckets".
std::string ObjectName(std::string_view bucket, std::string_view key);

// The error for an answer with this status and body. A HEAD has no body: the status decides.
Error MakeS3Error(int status, const net::HttpHeaders& headers, const ErrorDocument& document,
                  const RequestSubject& subject);

// Of a connection that was refused: with what to look at, for an endpoint that the user has named.
// Any other error stays as it is.
Error WithEndpointAdvice(Error error, const S3Config& config);

// The region that the answer says the bucket is in; empty when it does not say.
std::string BucketRegion(const net::HttpHeaders& headers, const ErrorDocument& document);

}  // namespace headrace::s3
