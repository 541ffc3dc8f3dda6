// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace headrace {

// Chosen by what the caller does next, not by cause; the cause is in the message and in Origin.
// Each face maps these with one exhaustive switch, so a new code does not compile until every face
// has decided what it means there.
enum class ErrorCode : uint8_t {
  kInvalidArgument,     // The caller must change the request.
  kNotFound,            // Bucket, object, path or record is absent.
  kPermissionDenied,    // Credentials are missing, expired or refused.
  kPreconditionFailed,  // The object is not (or no longer) the version asked for.
  kAlreadyExists,       // The thing to create is there, or the bucket to delete is not empty.
  kCorrupt,             // Bytes arrived and broke a checksum or a format rule.
  kThrottled,           // The store said slow down.
  kUnavailable,         // Connection refused or reset, 5xx, name lookup.
  kTimedOut,            // A deadline of ours passed.
  kCancelled,           // The consumer went away. Never logged as a failure.
  kResourceExhausted,   // A limit of this machine: memory budget, disk, descriptors.
  kUnsupported,         // Valid, and we do not do it.
  kInternal,            // A bug here.
};

// The code's name in words for logs and --json, "not found" for kNotFound.
std::string_view ErrorCodeName(ErrorCode code);

// Where an error came from, for logs and for the gateway to pass through. Code above `store` never
// branches on it.
struct Origin {
  int http_status = 0;     // 0: no HTTP response was involved.
  std::string s3_code;     // "NoSuchKey"; empty where there was none.
  std::string request_id;  // The server's x-amz-request-id.
  int os_error = 0;        // errno; 0: no system call was involved.
};

// An error as a value. The message names the object, says what happened and, where the reader can
// do something about it, what to do next; it is one line and holds no secret.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string message, Origin origin)
      : code_(code),
        message_(std::move(message)),
        origin_(std::make_shared<const Origin>(std::move(origin))) {}

  // An error from errno: the code fits the number, the message is "<attempt>: <strerror>".
  static Error FromErrno(int os_error, std::string_view attempt);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // A default Origin where none was given.
  const Origin& origin() const;

  // Prefixes what was being attempted: "get s3://b/k: connection reset".
  Error While(std::string_view attempt) &&;

 private:
  ErrorCode code_;
  std::string message_;
  std::shared_ptr<const Origin> origin_;
};

// A T, or the Error that prevented it.
template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Success of a Status.
inline Status Ok() { return {}; }

// `return Fail(code, message)` in a function that returns a Result.
inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}

// Adds "<attempt>: " in front of a failure's message and leaves a success alone.
template <typename T>
Result<T> While(std::string_view attempt, Result<T> result) {
  if (result.has_value()) return result;
  return std::unexpected<Error>(std::move(result).error().While(attempt));
}

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace headrace

// Ends the process with the condition and its place when a bug made it false; on in release builds.
// Data from outside is never checked with it: that is an Error.
#define HR_CHECK(condition)                                    \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::headrace::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)

#define HR_CONCAT_INNER_(a, b) a##b
#define HR_CONCAT_(a, b) HR_CONCAT_INNER_(a, b)

// HR_TRY(expression): leave the function with the expression's error, or go on.
// HR_TRY_ASSIGN(auto x, expression): the same, and x gets the value.
#define HR_TRY(expression)                                   \
  do {                                                       \
    auto hr_status_ = (expression);                          \
    if (!hr_status_.has_value()) [[unlikely]]                \
      return std::unexpected(std::move(hr_status_).error()); \
  } while (false)
#define HR_TRY_ASSIGN_(result, target, expression)     \
  auto result = (expression);                          \
  if (!result.has_value()) [[unlikely]]                \
    return std::unexpected(std::move(result).error()); \
  target = std::move(result).value()
#define HR_TRY_ASSIGN(target, expression) \
  HR_TRY_ASSIGN_(HR_CONCAT_(hr_result_, __LINE__), target, expression)

// The same two for coroutines. g++ 12 destroys some temporaries twice when they stand in an
// expression with co_await (a lambda with captures, a string built in place): name such values
// first.
#define HR_CO_TRY(expression)                                   \
  do {                                                          \
    auto hr_status_ = (expression);                             \
    if (!hr_status_.has_value()) [[unlikely]]                   \
      co_return std::unexpected(std::move(hr_status_).error()); \
  } while (false)
#define HR_CO_TRY_ASSIGN_(result, target, expression)     \
  auto result = (expression);                             \
  if (!result.has_value()) [[unlikely]]                   \
    co_return std::unexpected(std::move(result).error()); \
  target = std::move(result).value()
#define HR_CO_TRY_ASSIGN(target, expression) \
  HR_CO_TRY_ASSIGN_(HR_CONCAT_(hr_result_, __LINE__), target, expression)
