// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace headrace {
namespace {

struct Lead {
  size_t size = 0;  // Bytes of the character; 0: no character starts like this.
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

// The rows of RFC 3629, section 4.
Lead LeadOf(uint8_t byte) {
  if (byte <= 0x7F) return {.size = 1};
  if (byte >= 0xC2 && byte <= 0xDF) return {.size = 2};
  if (byte == 0xE0) return {.size = 3, .second_min = 0xA0};
  if (byte == 0xED) return {.size = 3, .second_max = 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {.size = 3};
  if (byte == 0xF0) return {.size = 4, .second_min = 0x90};
  if (byte >= 0xF1 && byte <= 0xF3) return {.size = 4};
  if (byte == 0xF4) return {.size = 4, .second_max = 0x8F};
  return {};
}

}  // namespace

size_t CharacterBytes(std::string_view text) {
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  if (lead.size > text.size()) return 0;
  for (size_t i = 1; i < lead.size; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return 0;
  }
  return lead.size;
}

bool IsUtf8(std::string_view text) {
  // Most texts are ASCII to their end.
  const auto other = std::ranges::find_if(text, [](char c) { return (c & 0x80) != 0; });
  text.remove_prefix(static_cast<size_t>(other - text.begin()));
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string_view FirstCharacters(std::string_view text, size_t count) {
  size_t end = 0;
  for (; count > 0 && end < text.size(); --count) {
    const size_t size = CharacterBytes(text.substr(end));
    end += size == 0 ? 1 : size;
  }
  return text.substr(0, end);
}

}  // namespace headrace
