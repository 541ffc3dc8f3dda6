// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/json_text.h"

#include <algorithm>

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

}  // namespace headrace::plan
