// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::s3 {

RetryCause CauseOf(const Error& error) {
  if (error.code() == ErrorCode::kThrottled) return RetryCause::kThrottled;
  if (error.code() == ErrorCode::kCorrupt) return RetryCause::kCorrupt;
  if (error.origin().http_status != 0) return RetryCause::kServerError;
  return error.code() == ErrorCode::kTimedOut ? RetryCause::kTimedOut : RetryCause::kNoAnswer;
}

}  // namespace headrace::s3
