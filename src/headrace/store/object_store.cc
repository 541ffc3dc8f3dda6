// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/object_store.h"

#include <algorithm>

namespace headrace {

Status StillWanted(const CallContext& context, SteadyTime now) {
  if (context.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "cancelled");
  if (context.deadline.HasPassed(now)) {
    return Fail(ErrorCode::kTimedOut, "the deadline has passed");
  }
  return Ok();
}

Task<Result<size_t>> SpanSource::Read(std::span<std::byte> target) {
  const size_t taken = std::min(target.size(), rest_.size());
  std::copy_n(rest_.begin(), taken, target.begin());
  rest_ = rest_.subspan(taken);
  co_return taken;
}

}  // namespace headrace
