// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/toml_text.h"

#include "headrace/base/text.h"

namespace headrace {

std::optional<size_t> LineWithoutTableName(std::string_view toml) {
  constexpr std::string_view kHeader = "[[";
  for (size_t number = 1;; ++number) {
    const size_t end = toml.find('\n');
    std::string_view line = Trim(toml.substr(0, end), " \t\r");
    if (line.starts_with(kHeader)) {
      line = Trim(line.substr(kHeader.size()));
      const char first = line.empty() ? '\0' : line.front();
      const bool is_name =
          IsLetterOrDigit(first) || first == '_' || first == '-' || first == '"' || first == '\'';
      if (!is_name) return number;
    }
    if (end == std::string_view::npos) return std::nullopt;
    toml.remove_prefix(end + 1);
  }
}

}  // namespace headrace
