// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/json_line.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "headrace/base/utf8.h"

namespace headrace {
namespace {

bool IsPlain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void AppendEscaped(std::string& json, char c) {
  switch (c) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(json), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const auto plain = std::ranges::find_if_not(text, IsPlain);
    const auto plain_size = static_cast<size_t>(plain - text.begin());
    json += text.substr(0, plain_size);
    text.remove_prefix(plain_size);
    if (text.empty()) break;
    const std::string_view character = FirstCharacters(text, 1);
    if (static_cast<unsigned char>(character[0]) < 0x80) {
      AppendEscaped(json, character[0]);
    } else {
      json += IsUtf8(character) ? character : "\xef\xbf\xbd";
    }
    text.remove_prefix(character.size());
  }
  return json + '"';
}

JsonLine& JsonLine::Add(std::string_view name, std::string_view value) {
  return AddRaw(name, JsonString(value));
}

JsonLine& JsonLine::Add(std::string_view name, uint64_t value) {
  return AddRaw(name, std::to_string(value));
}

JsonLine& JsonLine::AddRaw(std::string_view name, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_ += JsonString(name);
  text_ += ':';
  text_ += json;
  return *this;
}

}  // namespace headrace
