// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::gateway {

// How a distant, busy store behaves (`headrace serve --shape`). Shares are 0 to 1.
struct Shape {
  // Before anything of an answer is sent. With jitter, its median.
  std::chrono::nanoseconds first_byte{0};
  // The delay is multiplied by exp(jitter x a standard normal number).
  double jitter_lognormal = 0;
  // Of bodies, each way; 0: no limit.
  uint64_t per_connection_bytes = 0;
  double error_503 = 0;  // SlowDown.
  double reset = 0;      // The connection is reset in the middle of a body.
  double silent = 0;     // No byte for `silent_for`, then a normal answer.
  std::chrono::nanoseconds silent_for{0};
  uint64_t seed = 1;
};

// "first-byte=30ms,jitter=lognormal:0.5,per-connection=90MB/s,error-503=0.5%,reset=0.1%,
// silent=0.3%:2s,seed=1", each at most once and in any order. kInvalidArgument names the setting
// and shows how it is written.
Result<Shape> ParseShape(std::string_view text);

enum class FateKind : uint8_t { kServed, kError503, kReset, kSilent };

// What happens to one request.
struct Fate {
  FateKind kind = FateKind::kServed;
  std::chrono::nanoseconds delay{0};  // Before it is handled.
  double reset_share = 0;             // Of the body, before the reset.
};

// The fate of the request with that ordinal, counted from 0 in the order of arrival. Pure: the same
// on every machine and whatever the other requests are.
Fate FateOf(const Shape& shape, uint64_t ordinal);

}  // namespace headrace::gateway
