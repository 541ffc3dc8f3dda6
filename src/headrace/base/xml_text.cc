// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/xml_text.h"

#include <fmt/format.h>

namespace headrace {

void AppendXmlText(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
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
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("&#{};", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
}

}  // namespace headrace
