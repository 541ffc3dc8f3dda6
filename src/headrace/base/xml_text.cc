// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/xml_text.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "headrace/base/text.h"

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

bool HoldsNoCharacter(std::string_view xml) {
  if (xml.find('\0') != std::string_view::npos) return true;
  for (size_t at = 0; (at = xml.find("&#", at)) != std::string_view::npos;) {
    at += 2;
    const bool is_hex = xml.substr(at).starts_with('x');
    if (is_hex) ++at;
    constexpr uint32_t kLastCharacter = 0x10FFFF;
    uint32_t number = 0;
    const size_t begin = at;
    for (; at < xml.size(); ++at) {
      const int digit = is_hex || IsDigit(xml[at]) ? HexDigitValue(xml[at]) : -1;
      if (digit < 0) break;
      number =
          std::min(number * (is_hex ? 16 : 10) + static_cast<uint32_t>(digit), kLastCharacter + 1);
    }
    const bool is_reference = at > begin && xml.substr(at).starts_with(';');
    if (is_reference && (number == 0 || number > kLastCharacter)) return true;
  }
  return false;
}

}  // namespace headrace
