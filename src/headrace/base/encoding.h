// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headrace {

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal digits.
std::string HexEncode(std::span<const std::byte> bytes);
// Nothing for an odd length or another character. Returns the raw bytes.
std::optional<std::string> HexDecode(std::string_view digits);

// RFC 4648 base64 with padding.
std::string Base64Encode(std::span<const std::byte> bytes);
// Nothing for text that is not exactly that. Returns the raw bytes.
std::optional<std::string> Base64Decode(std::string_view text);

// Percent-encoding as SigV4 defines it: everything but A-Z a-z 0-9 - . _ ~ becomes %XX in upper
// case.
std::string UriEncode(std::string_view text);
// The same, but '/' stays: the path form of an object key.
std::string UriEncodePath(std::string_view path);
// Undoes percent-encoding; with `plus_is_space`, '+' becomes a space (form and listing encoding).
// Nothing for a '%' without two hexadecimal digits.
std::optional<std::string> UriDecode(std::string_view text, bool plus_is_space = false);

}  // namespace headrace
