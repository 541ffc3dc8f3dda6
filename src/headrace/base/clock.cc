// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/clock.h"

namespace headrace {
namespace {

class MachineClock final : public Clock {
 public:
  SteadyTime Now() const override { return std::chrono::steady_clock::now(); }
  SystemTime WallNow() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& RealClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace headrace
