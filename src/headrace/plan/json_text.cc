// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/json_text.h"

#include <algorithm>

#include "headrace/base/utf8.h"

namespace headrace::plan {

bool IsUtf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
         (text.size() >= 2 && (text[0] == '\0' || text[1] == '\0'));
}

std::string_view LikelyJsonMistake(std::string_view text, size_t position) {
  const std::string_view rest = text.substr(std::min(position, text.size()));
  const size_t next = rest.find_first_not_of(" \t\r\n");
  if (next != std::string_view::npos && rest[next] == '\'') {
    return "; JSON needs double quotes";
  }
  if (next != std::string_view::npos && (rest[next] == ']' || rest[next] == '}')) {
    return "; there is a comma too many before it";
  }
  if (rest.substr(0, 200).contains("'")) return "; JSON needs double quotes";
  return "";
}

std::optional<JsonTextFault> FindJsonTextFault(std::string_view text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  std::optional<size_t> quote;  // Of the text that is open.
  for (size_t i = 0; i < text.size();) {
    const size_t width = CharacterBytes(text.substr(i));
    if (width == 0) return JsonTextFault{i, "a byte that is no UTF-8; save the file as UTF-8"};
    const char letter = text[i];
    if (quote && letter == '\n') return JsonTextFault{*quote, "a text is not closed on its line"};
    if (quote && static_cast<unsigned char>(letter) < kFirstPrintable) {
      return JsonTextFault{i, "a raw control character in a text; write it as \\u and 4 digits"};
    }
    if (letter == '"') quote = quote ? std::nullopt : std::optional(i);
    // What a backslash takes along is one byte of ASCII, if it is JSON; else the next round tells.
    const bool takes_next = quote && letter == '\\' && i + 1 < text.size() &&
                            static_cast<unsigned char>(text[i + 1]) >= kFirstPrintable &&
                            static_cast<unsigned char>(text[i + 1]) < 0x80;
    i += takes_next ? 2 : width;
  }
  if (quote) return JsonTextFault{*quote, "a text is not closed"};
  return std::nullopt;
}

}  // namespace headrace::plan
