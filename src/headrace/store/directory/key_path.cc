// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/key_path.h"

#include <algorithm>
#include <cstddef>

#include "headrace/base/text.h"
#include "headrace/base/utf8.h"

namespace headrace::directory {
namespace {

constexpr size_t kPartBytesMax = 255;  // NAME_MAX of every Linux file system in use.

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
  if (!IsLetterOrDigit(name.front()) || !IsLetterOrDigit(name.back())) return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(
      name, [](char c) { return IsLetterOrDigit(c) || c == '.' || c == '-' || c == '_'; });
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
