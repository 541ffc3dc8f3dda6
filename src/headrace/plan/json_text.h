// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace headrace::plan {

// The byte order mark that some editors put before UTF-8.
inline constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// True for text that begins as UTF-16 does, with its mark or without.
bool IsUtf16(std::string_view text);

// Why `text` is no JSON at `position`, where it is a mistake that users make: "; ..." to be put
// behind a message. Empty: no idea.
std::string_view LikelyJsonMistake(std::string_view text, size_t position);

// A place where `text` cannot be JSON, whatever its structure.
struct JsonTextFault {
  size_t position = 0;
  std::string_view what;  // A literal, to be put behind a message.
};

// The first byte that is no UTF-8 or a raw control character inside quotes, or the quote that
// nothing closes.
std::optional<JsonTextFault> FindJsonTextFault(std::string_view text);

}  // namespace headrace::plan
