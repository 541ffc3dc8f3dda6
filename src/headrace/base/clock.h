// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

namespace headrace {

using SteadyTime = std::chrono::steady_clock::time_point;
// Wall-clock time: signing, Last-Modified, credential expiry.
using SystemTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// The only source of time below the faces, so that tests can hold it still
// (testing/manual_clock.h). Threads: all methods may be called at once from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Now() const = 0;
  virtual SystemTime WallNow() const = 0;
};

// The machine's clocks; lives as long as the process.
const Clock& RealClock();

// For how long the calling thread has had a processor.
std::chrono::nanoseconds ThreadTime();

// A point in steady time after which a call gives up with kTimedOut; never by default.
class Deadline {
 public:
  Deadline() = default;
  explicit Deadline(SteadyTime at) : at_(at) {}
  static Deadline After(std::chrono::nanoseconds span, SteadyTime now) {
    return Deadline(now + std::chrono::duration_cast<SteadyTime::duration>(span));
  }

  bool HasPassed(SteadyTime now) const { return at_ && now >= *at_; }
  std::optional<SteadyTime> at() const { return at_; }
  Deadline Earlier(Deadline other) const {
    if (!at_) return other;
    if (!other.at_) return *this;
    return *at_ < *other.at_ ? *this : other;
  }

 private:
  std::optional<SteadyTime> at_;
};

}  // namespace headrace
