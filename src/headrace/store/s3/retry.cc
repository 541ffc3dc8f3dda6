// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/retry.h"

#include <algorithm>

namespace headrace::s3 {

RetryKind ClassifyRetry(const Error& error) {
  const bool was_answered = error.origin().http_status != 0;
  switch (error.code()) {
    case ErrorCode::kThrottled:
      return RetryKind::kAnswered;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimedOut:
      return was_answered ? RetryKind::kAnswered : RetryKind::kUnanswered;
    case ErrorCode::kCorrupt:
      // Bytes that broke their checksum, or a broken HTTP answer: another try may bring good ones.
      return RetryKind::kUnanswered;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kPreconditionFailed:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kCancelled:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnsupported:
    case ErrorCode::kInternal:
      return RetryKind::kNever;
  }
  return RetryKind::kNever;
}

std::chrono::nanoseconds RetryDelay(const RetryOptions& options, uint32_t attempt_index,
                                    double random_unit) {
  HR_CHECK(random_unit >= 0.0 && random_unit < 1.0);
  std::chrono::nanoseconds cap = options.delay_first;
  if (attempt_index > 0) {
    cap = std::min<std::chrono::nanoseconds>(
        options.delay_max, options.delay_again * (int64_t{1} << std::min(attempt_index - 1, 20U)));
  }
  const double scale = 0.5 + random_unit / 2;
  return std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(cap.count()) * scale));
}

namespace {

// Bytes that break their checksum, and answers that are no HTTP, are asked for once more, over a
// new connection: twice is no accident.
constexpr uint32_t kCorruptCountMax = 2;

uint32_t TriesFor(const RetryOptions& options, const Error& error) {
  if (ClassifyRetry(error) == RetryKind::kAnswered) return options.attempt_count_max;
  if (error.code() != ErrorCode::kCorrupt) return options.unanswered_count_max;
  return std::min(options.unanswered_count_max, kCorruptCountMax);
}

}  // namespace

std::optional<std::chrono::nanoseconds> DecideRetry(const RetryOptions& options,
                                                    const FailedTry& failed, double random_unit) {
  const RetryKind kind = ClassifyRetry(failed.error);
  if (kind == RetryKind::kNever) return std::nullopt;
  if (failed.attempt_index + 1 >= TriesFor(options, failed.error)) return std::nullopt;
  std::chrono::nanoseconds delay = RetryDelay(options, failed.attempt_index, random_unit);
  if (failed.retry_after) {
    delay = std::max<std::chrono::nanoseconds>(
        delay, std::min(*failed.retry_after, options.retry_after_max));
  }
  if (failed.deadline.HasPassed(failed.now + delay)) return std::nullopt;
  return delay;
}

std::chrono::nanoseconds RetryPacer::Take(SteadyTime now) {
  const MutexLock lock(mutex_);
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - refilled_at_).count());
  tokens_ = std::min(burst_, tokens_ + seconds * per_second_);
  refilled_at_ = std::max(refilled_at_, now);
  tokens_ -= 1;
  if (tokens_ >= 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(static_cast<int64_t>(-tokens_ / per_second_ * 1e9));
}

}  // namespace headrace::s3
