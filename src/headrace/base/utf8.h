// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace headrace {

// How many bytes the character at the start of `text`, which is not empty, has; 0: they are none.
size_t CharacterBytes(std::string_view text);

// True for well-formed UTF-8 (RFC 3629: shortest forms, no surrogates, at most U+10FFFF).
bool IsUtf8(std::string_view text);

// The first `count` characters of `text`. A byte that begins no character counts as one.
std::string_view FirstCharacters(std::string_view text, size_t count);

}  // namespace headrace
