// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::s3 {

uint64_t RetryCount(S3Metrics& metrics) {
  uint64_t sum = 0;
  for (size_t cause = 0; cause < kRetryCauses.size(); ++cause) {
    sum += metrics.counter(S3Metric::kRetries, cause).value();
  }
  return sum;
}

RetryCause CauseOf(const Error& error) {
  if (error.code() == ErrorCode::kThrottled) return RetryCause::kThrottled;
  if (error.code() == ErrorCode::kCorrupt) return RetryCause::kCorrupt;
  if (error.origin().http_status != 0) return RetryCause::kServerError;
  return error.code() == ErrorCode::kTimedOut ? RetryCause::kTimedOut : RetryCause::kNoAnswer;
}

}  // namespace headrace::s3
