// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/key_path.h"

#include <algorithm>
#include <cstddef>

namespace headrace::directory {
namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPartBytesMax = 255;  // NAME_MAX of every Linux file system in use.

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// How many continuation bytes follow a UTF-8 lead byte; -1 for a byte that leads nothing.
int ContinuationCount(unsigned char lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xC2 && lead < 0xE0) return 1;
  if (lead >= 0xE0 && lead < 0xF0) return 2;
  if (lead >= 0xF0 && lead < 0xF5) return 3;
  return -1;
}

bool IsUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const int count = ContinuationCount(static_cast<unsigned char>(text[at]));
    if (count < 0 || at + static_cast<size_t>(count) >= text.size()) return false;
    for (int i = 0; i < count; ++i) {
      if ((static_cast<unsigned char>(text[++at]) & 0xC0U) != 0x80U) return false;
    }
  }
  return true;
}

bool IsPlainPart(std::string_view part) {
  return !part.empty() && part.size() <= kPartBytesMax && part != "." && part != "..";
}

}  // namespace

bool IsPlainPath(std::string_view key) {
  if (key.find('\0') != std::string_view::npos) return false;
  while (true) {
    const size_t slash = key.find('/');
    if (!IsPlainPart(key.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

bool IsValidKey(std::string_view key) {
  return !key.empty() && key.size() <= kKeyBytesMax && IsUtf8(key);
}

bool IsValidBucketName(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!IsAlphanumeric(name.front()) || !IsAlphanumeric(name.back())) return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(
      name, [](char c) { return IsAlphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view LastPartOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace headrace::directory
