// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/s3_failure.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace headrace::gateway {
namespace {

struct KnownCode {
  std::string_view s3_code;
  int status;
};
// Codes this server sends, in byte order.
constexpr std::array kKnownCodes = {
    KnownCode{"AccessDenied", 403},
    KnownCode{"AuthorizationHeaderMalformed", 400},
    KnownCode{"AuthorizationQueryParametersError", 400},
    KnownCode{"BadDigest", 400},
    KnownCode{"BadRequest", 400},
    KnownCode{"BucketAlreadyExists", 409},
    KnownCode{"BucketAlreadyOwnedByYou", 409},
    KnownCode{"BucketNotEmpty", 409},
    KnownCode{"ConditionalRequestConflict", 409},
    KnownCode{"EntityTooLarge", 400},
    KnownCode{"EntityTooSmall", 400},
    KnownCode{"ExpiredToken", 400},
    KnownCode{"IncompleteBody", 400},
    KnownCode{"InsufficientStorage", 507},
    KnownCode{"InternalError", 500},
    KnownCode{"InvalidAccessKeyId", 403},
    KnownCode{"InvalidArgument", 400},
    KnownCode{"InvalidBucketName", 400},
    KnownCode{"InvalidChunkSizeError", 403},
    KnownCode{"InvalidDigest", 400},
    KnownCode{"InvalidPart", 400},
    KnownCode{"InvalidPartNumber", 416},
    KnownCode{"InvalidPartOrder", 400},
    KnownCode{"InvalidPolicyDocument", 400},
    KnownCode{"InvalidRange", 416},
    KnownCode{"InvalidRequest", 400},
    KnownCode{"InvalidStorageClass", 400},
    KnownCode{"InvalidTag", 400},
    KnownCode{"InvalidToken", 400},
    KnownCode{"InvalidURI", 400},
    KnownCode{"InvalidWriteOffset", 400},
    KnownCode{"KeyTooLongError", 400},
    KnownCode{"MalformedPOSTRequest", 400},
    KnownCode{"MalformedTrailerError", 400},
    KnownCode{"MalformedXML", 400},
    KnownCode{"MaxPostPreDataLengthExceededError", 400},
    KnownCode{"MetadataConfigurationNotFound", 404},
    KnownCode{"MetadataTooLarge", 400},
    KnownCode{"MethodNotAllowed", 405},
    KnownCode{"MissingContentLength", 411},
    KnownCode{"NoSuchBucket", 404},
    KnownCode{"NoSuchBucketPolicy", 404},
    KnownCode{"NoSuchCORSConfiguration", 404},
    KnownCode{"NoSuchConfiguration", 404},
    KnownCode{"NoSuchKey", 404},
    KnownCode{"NoSuchLifecycleConfiguration", 404},
    KnownCode{"NoSuchPublicAccessBlockConfiguration", 404},
    KnownCode{"NoSuchTagSet", 404},
    KnownCode{"NoSuchUpload", 404},
    KnownCode{"NoSuchVersion", 404},
    KnownCode{"NoSuchWebsiteConfiguration", 404},
    KnownCode{"NotImplemented", 501},
    KnownCode{"ObjectLockConfigurationNotFoundError", 404},
    KnownCode{"OwnershipControlsNotFoundError", 404},
    KnownCode{"PreconditionFailed", 412},
    KnownCode{"ReplicationConfigurationNotFoundError", 404},
    KnownCode{"RequestHeaderSectionTooLarge", 400},
    KnownCode{"RequestTimeTooSkewed", 403},
    KnownCode{"RequestTimeout", 400},
    KnownCode{"ServerSideEncryptionConfigurationNotFoundError", 404},
    KnownCode{"ServiceUnavailable", 503},
    KnownCode{"SignatureDoesNotMatch", 403},
    KnownCode{"SlowDown", 503},
    KnownCode{"XAmzContentSHA256Mismatch", 400},
};
static_assert(std::ranges::is_sorted(kKnownCodes, {}, &KnownCode::s3_code));

ErrorCode ErrorCodeOf(int status) {
  switch (status) {
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kAlreadyExists;
    case 412:
      return ErrorCode::kPreconditionFailed;
    case 501:
      return ErrorCode::kUnsupported;
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInvalidArgument;
  }
}

}  // namespace

std::unexpected<Error> FailS3(std::string s3_code, std::string message) {
  const int status = HttpStatusOf(s3_code);
  return std::unexpected(Error(ErrorCodeOf(status), std::move(message),
                               Origin{.http_status = status, .s3_code = std::move(s3_code)}));
}

std::string S3CodeOf(const Error& error) {
  if (!error.origin().s3_code.empty()) return error.origin().s3_code;
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return "InvalidArgument";
    case ErrorCode::kNotFound:
      return "NoSuchKey";
    case ErrorCode::kPermissionDenied:
      return "AccessDenied";
    case ErrorCode::kPreconditionFailed:
      return "PreconditionFailed";
    case ErrorCode::kAlreadyExists:
      return "BucketNotEmpty";
    case ErrorCode::kCorrupt:
      return "BadDigest";
    case ErrorCode::kThrottled:
      return "SlowDown";
    case ErrorCode::kResourceExhausted:
      // Not S3's own: S3's disks never fill. Waiting helps against every other limit.
      if (error.origin().os_error == ENOSPC || error.origin().os_error == EDQUOT) {
        return "InsufficientStorage";
      }
      return "ServiceUnavailable";
    case ErrorCode::kUnavailable:
      return "ServiceUnavailable";
    case ErrorCode::kTimedOut:
    case ErrorCode::kCancelled:
      return "RequestTimeout";
    case ErrorCode::kUnsupported:
      return "NotImplemented";
    case ErrorCode::kInternal:
      return "InternalError";
  }
  return "InternalError";
}

int HttpStatusOf(std::string_view s3_code) {
  const auto found = std::ranges::lower_bound(kKnownCodes, s3_code, {}, &KnownCode::s3_code);
  return found != kKnownCodes.end() && found->s3_code == s3_code ? found->status : 500;
}

}  // namespace headrace::gateway
