// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/first_failure.h"

#include <fmt/format.h>

namespace headrace::job {

Status FirstFailure::Outcome(const file::TransferReport& report, const std::string& attempt) const {
  if (report.error) return std::unexpected(Error(*report.error).While(attempt));
  if (report.items_failed == 0) return Ok();
  const MutexLock lock(mutex_);
  const uint64_t count = report.items_failed + report.items_done;
  if (count == 1) return std::unexpected(Error(first_.value()).While(attempt));
  return std::unexpected(Error(first_.value())
                             .While(fmt::format("{}: {} of {} objects failed, the first", attempt,
                                                report.items_failed, count)));
}

}  // namespace headrace::job
