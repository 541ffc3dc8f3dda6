// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/xml_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace headrace {
namespace {

bool IsSpecial(char c) {
  return c == '&' || c == '<' || c == '>' || c == '"' || static_cast<unsigned char>(c) < 0x20;
}

}  // namespace

void AppendXmlText(std::string& out, std::string_view text) {
  while (true) {
    const auto special = std::ranges::find_if(text, IsSpecial);
    out.append(text.begin(), special);
    if (special == text.end()) return;
    switch (*special) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += fmt::format("&#{};", static_cast<unsigned>(*special));
    }
    text.remove_prefix(static_cast<size_t>(special - text.begin()) + 1);
  }
}

}  // namespace headrace
