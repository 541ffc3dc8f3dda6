// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include "headrace/base/text.h"

namespace headrace::net {

// What no header field's value may hold (RFC 9110, section 5.5).
constexpr bool IsControlCharacter(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
}

// What a header field's name is made of (RFC 9110, section 5.6.2).
constexpr bool IsTokenCharacter(char c) {
  return IsLetterOrDigit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
constexpr bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenCharacter);
}

}  // namespace headrace::net
