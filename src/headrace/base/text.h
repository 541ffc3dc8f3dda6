// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Text as protocols, settings and file names have it: ASCII, whatever the locale.
namespace headrace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c);
}
// 0 to 15 for a hexadecimal digit of either case, -1 for anything else.
constexpr int HexDigitValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
// A-Z become a-z; every other byte stays.
constexpr char LowerLetter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string LowerCase(std::string_view text);
bool EqualIgnoringCase(std::string_view a, std::string_view b);

// Without the characters of `blanks` at both ends.
std::string_view Trim(std::string_view text, std::string_view blanks = " \t");

// A decimal number of at most 19 digits and nothing else. Below 10^19, so that adding one to it
// cannot wrap.
std::optional<uint64_t> ParseDecimal(std::string_view text);

// "1 file", "2 files"; of units whose plural ends in "s".
std::string CountText(uint64_t count, std::string_view unit);
// "17 B", "1.5 KiB", "20.0 GiB": one decimal from 1 KiB on.
std::string SizeText(uint64_t size_bytes);

}  // namespace headrace
