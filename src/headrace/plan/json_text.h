// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace headrace::plan {

// The byte order mark that some editors put before UTF-8.
inline constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// True for text that begins as UTF-16 does, with its mark or without.
bool IsUtf16(std::string_view text);

// Why `text` is no JSON at `position`, where it is a mistake that users make: "; ..." to be put
// behind a message. Empty: no idea.
std::string_view LikelyJsonMistake(std::string_view text, size_t position);

}  // namespace headrace::plan
