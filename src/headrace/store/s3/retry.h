// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"

namespace headrace::s3 {

struct RetryOptions {
  // Tries of one request that the server answers with "slow down" or with its own failure. With the
  // delays below these span at least 32 s, a usual length of S3's 503 while it adds capacity.
  uint32_t attempt_count_max = 10;
  // Tries of one request that gets no answer: refused, reset, timed out. Fewer, because each may
  // take a whole timeout and a wrong endpoint should be reported soon.
  uint32_t unanswered_count_max = 4;
  // Delay before the second try. One failure by itself is usual, and the next try mostly good: of
  // reads that take 30 ms, those that were refused once would be the slowest of all.
  std::chrono::milliseconds delay_first{50};
  // Delay before the third try; doubles with each further one.
  std::chrono::milliseconds delay_again{400};
  std::chrono::milliseconds delay_max{20'000};
  // A server's Retry-After is honoured up to this.
  std::chrono::seconds retry_after_max{60};
  // Retries of all requests to one endpoint together: a burst, then so many in a second. A whole
  // machine's worth of requests that fail at once come back spread out.
  double burst_retries = 256;
  double retries_per_second = 128;
};

// What may be done about a failed try.
enum class RetryKind : uint8_t {
  kNever,
  kUnanswered,  // The connection failed or nothing came back in time.
  kAnswered,    // The server said it could not, or should not now.
};
RetryKind ClassifyRetry(const Error& error);

// The delay before try number `attempt_index` + 1, after `attempt_index` + 1 tries have failed:
// half of it fixed, half of it random, so that requests that failed together come back apart and
// none comes back at once. `random_unit` is uniform in [0, 1).
std::chrono::nanoseconds RetryDelay(const RetryOptions& options, uint32_t attempt_index,
                                    double random_unit);

// One failed try, as the decision sees it.
struct FailedTry {
  const Error& error;
  uint32_t attempt_index = 0;  // From 0.
  std::optional<std::chrono::seconds> retry_after;
  Deadline deadline;
  SteadyTime now;
};
// How long to wait before the next try; nothing: give up. A wait that would pass the deadline is a
// reason to give up at once.
std::optional<std::chrono::nanoseconds> DecideRetry(const RetryOptions& options,
                                                    const FailedTry& failed, double random_unit);

// A token bucket for all retries to an endpoint. It delays and never refuses: how often one request
// is tried is bounded by RetryOptions.
// Threads: all methods may be called at once from any thread.
class RetryPacer {
 public:
  explicit RetryPacer(const RetryOptions& options)
      : burst_(options.burst_retries), per_second_(options.retries_per_second), tokens_(burst_) {}

  // Takes a token and returns how long to wait until it is there.
  std::chrono::nanoseconds Take(SteadyTime now) HR_EXCLUDES(mutex_);

 private:
  const double burst_;
  const double per_second_;
  Mutex mutex_;
  double tokens_ HR_GUARDED_BY(mutex_);  // Negative: taken in advance.
  SteadyTime refilled_at_ HR_GUARDED_BY(mutex_){};
};

}  // namespace headrace::s3
