// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace headrace {

// True for well-formed UTF-8 (RFC 3629: shortest forms, no surrogates, at most U+10FFFF).
bool IsUtf8(std::string_view text);

}  // namespace headrace
