// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_error.h"

#include <errno.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <pugixml.hpp>

namespace headrace::s3 {
namespace {

struct CodeRow {
  std::string_view s3_code;
  ErrorCode code;
};

// The codes whose meaning their HTTP status does not give.
constexpr std::array kCodes = {
    CodeRow{"SlowDown", ErrorCode::kThrottled},
    CodeRow{"Throttling", ErrorCode::kThrottled},
    CodeRow{"ThrottlingException", ErrorCode::kThrottled},
    CodeRow{"TooManyRequests", ErrorCode::kThrottled},
    CodeRow{"RequestLimitExceeded", ErrorCode::kThrottled},
    CodeRow{"BandwidthLimitExceeded", ErrorCode::kThrottled},
    CodeRow{"ServiceUnavailable", ErrorCode::kUnavailable},
    CodeRow{"InternalError", ErrorCode::kUnavailable},
    CodeRow{"OperationAborted", ErrorCode::kUnavailable},
    CodeRow{"ConditionalRequestConflict", ErrorCode::kUnavailable},
    CodeRow{"RequestTimeout", ErrorCode::kTimedOut},
    CodeRow{"RequestTimeTooSkewed", ErrorCode::kPermissionDenied},
    CodeRow{"InvalidAccessKeyId", ErrorCode::kPermissionDenied},
    CodeRow{"SignatureDoesNotMatch", ErrorCode::kPermissionDenied},
    CodeRow{"ExpiredToken", ErrorCode::kPermissionDenied},
    CodeRow{"InvalidToken", ErrorCode::kPermissionDenied},
    CodeRow{"TokenRefreshRequired", ErrorCode::kPermissionDenied},
    CodeRow{"AuthorizationHeaderMalformed", ErrorCode::kPermissionDenied},
    CodeRow{"BucketAlreadyExists", ErrorCode::kAlreadyExists},
    CodeRow{"BucketAlreadyOwnedByYou", ErrorCode::kAlreadyExists},
    CodeRow{"BucketNotEmpty", ErrorCode::kAlreadyExists},
    CodeRow{"BadDigest", ErrorCode::kCorrupt},
    CodeRow{"XAmzContentSHA256Mismatch", ErrorCode::kCorrupt},
    CodeRow{"IncompleteBody", ErrorCode::kUnavailable},
    CodeRow{"InsufficientStorage", ErrorCode::kResourceExhausted},
    CodeRow{"NotImplemented", ErrorCode::kUnsupported},
    CodeRow{"MethodNotAllowed", ErrorCode::kUnsupported},
    CodeRow{"InvalidObjectState", ErrorCode::kPermissionDenied},
};

ErrorCode CodeOfStatus(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return ErrorCode::kPermissionDenied;
    case 404:
    case 410:
      return ErrorCode::kNotFound;
    case 405:
    case 501:
      return ErrorCode::kUnsupported;
    case 408:
      return ErrorCode::kTimedOut;
    case 304:
    case 412:
      return ErrorCode::kPreconditionFailed;
    case 429:
    case 503:
      return ErrorCode::kThrottled;
    case 507:  // The store's disk is full (ours, MinIO, Ceph): trying again does not empty it.
      return ErrorCode::kResourceExhausted;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
  }
}

ErrorCode CodeOf(int status, std::string_view s3_code, bool is_signed_head) {
  for (const CodeRow& row : kCodes) {
    if (row.s3_code == s3_code) return row.code;
  }
  // What S3 answers to a HEAD, which has no body to say so, when the session token has expired.
  if (status == 400 && s3_code.empty() && is_signed_head) return ErrorCode::kPermissionDenied;
  // An error inside a 200 body whose code says nothing to us: the server's own failure.
  return status < 300 ? ErrorCode::kUnavailable : CodeOfStatus(status);
}

// One line, without control characters, and of a length that fits a terminal: it is the server's
// text.
std::string OneLine(std::string_view text) {
  constexpr size_t kSizeMax = 300;
  std::string line(text.substr(0, kSizeMax));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

std::string CredentialsNote(const RequestSubject& subject) {
  const std::string_view source = subject.credentials_source.value_or("");
  return source.empty() ? std::string() : fmt::format(" ({})", source);
}

// Of a redirect that could not be followed.
std::string WhereToGo(std::string_view region) {
  if (region.empty()) {
    return "the endpoint sends elsewhere; give the right one with --endpoint-url";
  }
  return fmt::format("the bucket is in region {0}; give --region {0} and that region's endpoint",
                     OneLine(region));
}

std::string WhatToDo(int status, std::string_view s3_code, ErrorCode code,
                     const RequestSubject& subject, std::string_view region) {
  if (s3_code == "NoSuchBucket") return "check the bucket's name and the endpoint";
  if (s3_code == "NoSuchUpload") return "the upload was completed or aborted before; start it anew";
  if (s3_code == "RequestTimeTooSkewed") return "set this machine's clock";
  if (s3_code == "ExpiredToken" || s3_code == "TokenRefreshRequired") {
    return fmt::format("renew the credentials{}", CredentialsNote(subject));
  }
  if (s3_code == "InvalidObjectState") return "restore the archived object first";
  if (s3_code == "BucketNotEmpty") return "delete its objects first (headrace rb --force does)";
  if (status == 301 || status == 307 || status == 308) return WhereToGo(region);
  if (status == 407) return "name the proxy's user: http_proxy=http://USER:PASSWORD@HOST:PORT";
  if (status == 400 && s3_code.empty() && code == ErrorCode::kPermissionDenied) {
    return fmt::format("the credentials may be malformed or expired{}", CredentialsNote(subject));
  }
  if (status == 400 && s3_code.empty() && !subject.is_head) {
    return "that is no answer of S3's; check the endpoint and the proxy";
  }
  if (code == ErrorCode::kPermissionDenied) {
    if (!subject.credentials_source) return {};
    return fmt::format("credentials used: {}", subject.credentials_source->empty()
                                                   ? "none, the request was not signed"
                                                   : *subject.credentials_source);
  }
  return {};
}

std::string Explanation(int status, const ErrorDocument& document, const RequestSubject& subject) {
  if (!document.code.empty()) {
    return document.message.empty()
               ? OneLine(document.code)
               : fmt::format("{} ({})", OneLine(document.message), OneLine(document.code));
  }
  switch (status) {
    case 304:
      return "it has not changed";
    case 403:
      return "access denied";
    case 404:
      return subject.key.empty() ? "there is no such bucket" : "there is no such object or bucket";
    case 412:
      return "it is not (or no longer) the version asked for";
    default:
      return fmt::format("HTTP status {} {}", status, net::ReasonPhrase(status));
  }
}

}  // namespace

ErrorDocument ParseErrorDocument(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) return {};
  pugi::xml_node error = document.child("Error");
  // STS wraps its errors: <ErrorResponse><Error>...</Error><RequestId>.
  if (!error) error = document.child("ErrorResponse").child("Error");
  ErrorDocument parsed;
  parsed.code = error.child_value("Code");
  parsed.message = error.child_value("Message");
  parsed.request_id = error.child_value("RequestId");
  parsed.region = error.child_value("Region");
  return parsed;
}

bool IsErrorDocument(std::string_view text) {
  pugi::xml_document document;
  return document.load_buffer(text.data(), text.size()) && document.child("Error");
}

std::string ObjectName(std::string_view bucket, std::string_view key) {
  if (bucket.empty()) return "buckets";
  std::string name = "s3://";
  name.append(bucket);
  if (!key.empty()) name.append("/").append(key);
  return OneLine(name);
}

Error MakeS3Error(int status, const net::HttpHeaders& headers, const ErrorDocument& document,
                  const RequestSubject& subject) {
  const bool is_signed = !subject.credentials_source.value_or("").empty();
  const ErrorCode code = CodeOf(status, document.code, is_signed && subject.is_head);
  std::string message =
      fmt::format("{} {}: {}", subject.verb, ObjectName(subject.bucket, subject.key),
                  Explanation(status, document, subject));
  const std::string advice =
      WhatToDo(status, document.code, code, subject, BucketRegion(headers, document));
  if (!advice.empty()) message.append("; ").append(advice);
  const std::string_view header_id = headers.Value("x-amz-request-id");
  return Error(
      code, std::move(message),
      Origin{.http_status = status,
             .s3_code = document.code,
             .request_id = header_id.empty() ? document.request_id : std::string(header_id)});
}

Error WithEndpointAdvice(Error error, const S3Config& config) {
  const bool is_refused = error.origin().os_error == ECONNREFUSED;
  if (!is_refused || !config.has_custom_endpoint || config.is_proxied) return error;
  return {
      error.code(),
      error.message() + "; is the store running, and is --endpoint-url or AWS_ENDPOINT_URL right?",
      error.origin()};
}

std::string BucketRegion(const net::HttpHeaders& headers, const ErrorDocument& document) {
  const std::string_view header = headers.Value("x-amz-bucket-region");
  if (!header.empty()) return std::string(header);
  return document.region;
}

}  // namespace headrace::s3
