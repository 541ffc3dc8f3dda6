// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headrace::net {

// What no header field's value may hold (RFC 9110, section 5.5).
constexpr bool IsControlCharacter(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
}

}  // namespace headrace::net
