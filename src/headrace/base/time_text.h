// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"

namespace headrace {

// "2009-10-12T17:50:30.000Z", as S3's XML, JSON and listings carry times.
std::string IsoTime(SystemTime time);
// The same back, RFC 3339 in UTC: a fraction of any length or none, "+00:00" for Z. Nothing for
// other text.
std::optional<SystemTime> ParseIsoTime(std::string_view text);

// "Mon, 12 Oct 2009 17:50:30 GMT", as Date and Last-Modified carry them (RFC 9110, IMF-fixdate).
std::string HttpDate(SystemTime time);
std::optional<SystemTime> ParseHttpDate(std::string_view text);

// "90", "90s", "10m", "2h", "1.5h", "500ms": above 0 and at most 31 days, whatever is longer being
// a mistake.
Result<std::chrono::milliseconds> ParseSpan(std::string_view text);

}  // namespace headrace
