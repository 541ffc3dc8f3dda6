// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/key_path.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "headrace/base/utf8.h"

namespace headrace::plan {
namespace {

bool IsBlank(std::string_view part) {
  return part.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

std::unexpected<Error> Refuse(std::string_view key, std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("object '{}' cannot become a file: {}; rename it or choose a prefix "
                          "without it",
                          ShownKey(key), why));
}

Status CheckPart(std::string_view key, std::string_view part) {
  if (part.empty()) return Refuse(key, "its path has an empty part");
  if (IsBlank(part)) return Refuse(key, "its path has a blank part");
  if (part == "." || part == "..") {
    return Refuse(key, fmt::format("its path has a '{}' part", part));
  }
  if (part.size() > kPathPartBytesMax) {
    return Refuse(key, fmt::format("its path has a part of {} bytes, more than {}", part.size(),
                                   kPathPartBytesMax));
  }
  return Ok();
}

size_t LastNameBegin(std::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  return slash == std::string_view::npos ? 0 : slash + 1;
}

// The part of `key` that is kept.
std::string_view Kept(std::string_view prefix, std::string_view key) {
  HR_CHECK(key.starts_with(prefix));
  const std::string_view rest = key.substr(prefix.size());
  if (prefix.empty() || prefix.ends_with('/')) return rest;
  if (rest.starts_with('/')) return rest.substr(1);
  return key.substr(LastNameBegin(prefix));
}

}  // namespace

std::string ShownKey(std::string_view key) {
  std::string shown;
  shown.reserve(key.size());
  while (!key.empty()) {
    const size_t size = CharacterBytes(key);
    const auto byte = static_cast<uint8_t>(key.front());
    // U+0080 to U+009F: a terminal takes them for control characters, too.
    const bool is_c1 = size == 2 && byte == 0xC2 && static_cast<uint8_t>(key[1]) < 0xA0;
    if (is_c1) {
      shown += fmt::format("\\x{:02x}\\x{:02x}", byte, static_cast<uint8_t>(key[1]));
      key.remove_prefix(2);
    } else if (size == 0 || byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
      key.remove_prefix(1);
    } else {
      shown += key.substr(0, size);
      key.remove_prefix(size);
    }
  }
  return shown;
}

Result<std::optional<std::string>> KeyPath(std::string_view prefix, std::string_view key) {
  const std::string_view path = Kept(prefix, key);
  if (key.ends_with('/')) return std::nullopt;
  if (path.find('\0') != std::string_view::npos) return Refuse(key, "its path has a NUL byte");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    HR_TRY(CheckPart(key, path.substr(begin, end - begin)));
    begin = end + 1;
  }
  return std::string(path);
}

KeyPathChecker::KeyPathChecker(std::string prefix)
    : prefix_(std::move(prefix)), last_name_(prefix_.substr(LastNameBegin(prefix_))) {}

Result<std::optional<std::string>> KeyPathChecker::Next(std::string_view key) {
  HR_TRY_ASSIGN(std::optional<std::string> path, KeyPath(prefix_, key));
  if (!path) return path;
  HR_TRY(CheckFileAndFolder(key));
  HR_TRY(CheckBesideFolder(key, *path));
  return path;
}

// In byte order all keys that start with an object's key follow it without a gap, so the objects
// that may be folders of the current key form a chain.
Status KeyPathChecker::CheckFileAndFolder(std::string_view key) {
  while (!starts_.empty() && !key.starts_with(starts_.back())) starts_.pop_back();
  HR_CHECK(starts_.empty() || starts_.back().size() < key.size());
  for (const std::string& start : starts_) {
    // The object that is the prefix lands beside what continues it, not above.
    if (key[start.size()] != '/' || start.size() == prefix_.size()) continue;
    return Refuse(key, fmt::format("'{}' is an object too, and a path cannot be both a file and a "
                                   "folder",
                                   ShownKey(start)));
  }
  starts_.emplace_back(key);
  return Ok();
}

// Paths of keys beside "<prefix>/" all start with the prefix's last name; only a path from below it
// that does so too can meet one of them.
Status KeyPathChecker::CheckBesideFolder(std::string_view key, std::string_view path) {
  if (last_name_.empty()) return Ok();
  const bool is_below = key.substr(prefix_.size()).starts_with('/');
  if (is_below && !path.starts_with(last_name_)) return Ok();
  std::string& first = is_below ? below_ : beside_;
  if (first.empty()) first = key;
  if (below_.empty() || beside_.empty()) return Ok();
  return Refuse(below_, fmt::format("'{}' starts with the prefix '{}' as well and may land on the "
                                    "same path: end the prefix with '/'",
                                    ShownKey(beside_), ShownKey(prefix_)));
}

Status FolderPrefixChecker::Next(std::string_view key) {
  HR_CHECK(key.starts_with(prefix_));
  if (prefix_.empty() || prefix_.ends_with('/')) return Ok();
  const bool is_folder = key.substr(prefix_.size()).starts_with('/');
  const Kind kind = is_folder ? Kind::kFolder : Kind::kObject;
  const bool fits = is_folder || key.size() == prefix_.size();
  if (fits && (kind_ == Kind::kUnknown || kind_ == kind)) {
    kind_ = kind;
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("prefix '{}' is not one folder: object '{}' also starts with it; end the "
                          "prefix with '/'",
                          ShownKey(prefix_), ShownKey(key)));
}

}  // namespace headrace::plan
