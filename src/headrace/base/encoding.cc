// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "headrace/base/text.h"

namespace headrace {
namespace {

constexpr std::string_view kHexLower = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<bool, 256> kIsUnreserved = [] {
  std::array<bool, 256> is_unreserved{};
  for (unsigned c = '0'; c <= '9'; ++c) is_unreserved[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) is_unreserved[c] = is_unreserved[c - 32] = true;
  for (const char c : std::string_view("-._~")) is_unreserved[static_cast<uint8_t>(c)] = true;
  return is_unreserved;
}();

std::string PercentEncode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size() + 8);
  const auto stays = [&](char c) {
    return kIsUnreserved[static_cast<uint8_t>(c)] || (keep_slash && c == '/');
  };
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    while (at < text.size() && stays(text[at])) ++at;
    out.append(text, begin, at - begin);
    if (at == text.size()) break;
    const auto byte = static_cast<uint8_t>(text[at++]);
    out.push_back('%');
    out.push_back(kHexUpper[byte >> 4U]);
    out.push_back(kHexUpper[byte & 15U]);
  }
  return out;
}

constexpr std::array<int8_t, 256> kBase64Values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<uint8_t>(kBase64[i])] = static_cast<int8_t>(i);
  }
  return values;
}();

}  // namespace

std::string HexEncode(std::span<const std::byte> bytes) {
  std::string out(bytes.size() * 2, '\0');
  size_t at = 0;
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<uint8_t>(b);
    out[at++] = kHexLower[value >> 4U];
    out[at++] = kHexLower[value & 15U];
  }
  return out;
}

std::optional<std::string> HexDecode(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = HexDigitValue(digits[i]);
    const int low = HexDigitValue(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string Base64Encode(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t taken = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = (group << 8U) | (k < taken ? std::to_integer<uint32_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out.push_back(k <= taken ? kBase64[(group >> (18U - 6U * k)) & 63U] : '=');
    }
  }
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const bool is_padding = i + k >= text.size() - padding;
      const int value = is_padding ? 0 : kBase64Values[static_cast<uint8_t>(text[i + k])];
      if (value < 0) return std::nullopt;
      group = (group << 6U) | static_cast<uint32_t>(value);
    }
    for (size_t k = 0; k < 3; ++k)
      out.push_back(static_cast<char>((group >> (16U - 8U * k)) & 255U));
  }
  out.erase(out.size() - padding);
  return out;
}

std::string UriEncode(std::string_view text) { return PercentEncode(text, false); }

std::string UriEncodePath(std::string_view path) { return PercentEncode(path, true); }

std::optional<std::string> UriDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigitValue(text[i + 1]);
      const int low = HexDigitValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

}  // namespace headrace
