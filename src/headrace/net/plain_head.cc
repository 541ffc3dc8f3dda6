// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/plain_head.h"

#include <array>
#include <cstdint>
#include <string>

#include "headrace/base/text.h"
#include "headrace/net/field_text.h"

namespace headrace::net {
namespace {

constexpr std::array<bool, 256> kIsTokenCharacter = [] {
  std::array<bool, 256> is_token{};
  for (unsigned c = 0; c < 256; ++c) is_token[c] = IsTokenCharacter(static_cast<char>(c));
  return is_token;
}();

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

std::optional<int> PlainStatus(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 4) return std::nullopt;
  const auto digits = ParseDecimal(line.substr(kVersion.size(), 3));
  if (!digits || line[kVersion.size() + 3] != ' ') return std::nullopt;
  const auto status = static_cast<int>(*digits);
  if (status < 200 || status > 599 || status == 204 || status == 304) return std::nullopt;
  return status;
}

// Takes a line and its end from the front; nothing: it has other than printable characters, or no
// end.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && IsPrintable(text[size])) ++size;
  if (!text.substr(size).starts_with("\r\n")) return std::nullopt;
  const std::string_view line = text.substr(0, size);
  text.remove_prefix(size + 2);
  return line;
}

// Notes what a field says about the connection and the body; false: more than is plain.
bool NoteField(std::string_view name, std::string_view value,
               ParsedHead<HttpResponseHead>& parsed) {
  switch (name.size()) {
    case 7:
      return !EqualIgnoringCase(name, "Upgrade");
    case 10:
      if (!EqualIgnoringCase(name, "Connection")) return true;
      if (EqualIgnoringCase(value, "close")) {
        parsed.keep_alive = false;
        return true;
      }
      return EqualIgnoringCase(value, "keep-alive");
    case 14:
      if (!EqualIgnoringCase(name, "Content-Length")) return true;
      if (parsed.framing.content_length) return false;
      parsed.framing.content_length = ParseDecimal(value);
      return parsed.framing.content_length.has_value();
    case 16:
      return !EqualIgnoringCase(name, "Proxy-Connection");
    case 17:
      return !EqualIgnoringCase(name, "Transfer-Encoding");
    default:
      return true;
  }
}

}  // namespace

std::optional<ParsedHead<HttpResponseHead>> ParsePlainHead(std::string_view head) {
  std::optional<ParsedHead<HttpResponseHead>> parsed(std::in_place);
  parsed->head_size_bytes = head.size();
  const auto first_line = TakeLine(head);
  const auto status = first_line ? PlainStatus(*first_line) : std::nullopt;
  if (!status) return std::nullopt;
  parsed->head.status = *status;
  while (true) {
    const auto line = TakeLine(head);
    if (!line) return std::nullopt;
    if (line->empty()) break;
    size_t name_size = 0;
    while (name_size < line->size() &&
           kIsTokenCharacter[static_cast<uint8_t>((*line)[name_size])]) {
      ++name_size;
    }
    if (name_size == 0 || name_size == line->size() || (*line)[name_size] != ':') {
      return std::nullopt;
    }
    const std::string_view name = line->substr(0, name_size);
    const std::string_view value = Trim(line->substr(name_size + 1));
    if (value.empty() || !NoteField(name, value, *parsed)) return std::nullopt;
    parsed->head.headers.Add(std::string(name), std::string(value));
  }
  if (!head.empty() || !parsed->framing.content_length) return std::nullopt;
  return parsed;
}

}  // namespace headrace::net
