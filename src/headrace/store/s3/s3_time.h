// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "headrace/base/clock.h"

namespace headrace::s3 {

// "2009-10-12T17:50:30.000Z", as XML and JSON answers carry times; the fraction is optional and
// "+00:00" may stand for Z. Nothing for other text.
std::optional<SystemTime> ParseIsoTime(std::string_view text);
// "Mon, 12 Oct 2009 17:50:30 GMT", as Date and Last-Modified carry them (RFC 9110, IMF-fixdate).
std::optional<SystemTime> ParseHttpDate(std::string_view text);

}  // namespace headrace::s3
