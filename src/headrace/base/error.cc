// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/error.h"

#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

namespace headrace {
namespace {

ErrorCode CodeOfErrno(int os_error) {
  switch (os_error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case EBADF:  // A standard stream that was closed, or opened for the other direction.
    case ENFILE:
      return ErrorCode::kResourceExhausted;
    case ENAMETOOLONG:
    case EINVAL:
    case EISDIR:
    case ELOOP:
      return ErrorCode::kInvalidArgument;
    case ETIMEDOUT:
      return ErrorCode::kTimedOut;
    case ECANCELED:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kPermissionDenied:
      return "permission denied";
    case ErrorCode::kPreconditionFailed:
      return "precondition failed";
    case ErrorCode::kAlreadyExists:
      return "already exists";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kThrottled:
      return "throttled";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimedOut:
      return "timed out";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kResourceExhausted:
      return "resource exhausted";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error Error::FromErrno(int os_error, std::string_view attempt) {
  const std::string reason = std::generic_category().message(os_error);
  return {CodeOfErrno(os_error), fmt::format("{}: {}", attempt, reason),
          Origin{.os_error = os_error}};
}

const Origin& Error::origin() const {
  static const Origin none;
  return origin_ ? *origin_ : none;
}

Error Error::While(std::string_view attempt) && {
  message_ = fmt::format("{}: {}", attempt, message_);
  return std::move(*this);
}

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace headrace
