// SPDX-License-Identifier: Apache-2.0
// The rules are those of the S3 User Guide, "General purpose bucket naming rules" and "Directory
// bucket naming rules".
#include "headrace/gateway/bucket_name.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr size_t kNameBytesMin = 3;
constexpr size_t kNameBytesMax = 63;
constexpr std::array<std::string_view, 3> kReservedPrefixes = {"xn--", "sthree-", "amzn-s3-demo-"};
constexpr std::array<std::string_view, 4> kReservedSuffixes = {"-s3alias", "--ol-s3", ".mrap",
                                                               "--table-s3"};
// Ends the name of a directory bucket, which has its zone before it: "base--usw2-az1--x-s3".
constexpr std::string_view kDirectorySuffix = "--x-s3";

bool IsLowerLetterOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }

// Four numbers of one to three digits between dots.
bool LooksLikeAddress(std::string_view name) {
  size_t number_count = 0;
  while (true) {
    const size_t dot = std::min(name.find('.'), name.size());
    const std::string_view number = name.substr(0, dot);
    if (number.empty() || number.size() > 3 || !std::ranges::all_of(number, IsDigit)) return false;
    ++number_count;
    if (dot == name.size()) return number_count == 4;
    name.remove_prefix(dot + 1);
  }
}

bool IsDirectoryName(std::string_view name) {
  const std::string_view base_and_zone = name.substr(0, name.size() - kDirectorySuffix.size());
  const size_t zone = base_and_zone.rfind("--");
  return zone != std::string_view::npos && zone > 0 && zone + 2 < base_and_zone.size() &&
         name.find('.') == std::string_view::npos;
}

// Empty: none is broken.
std::string BrokenRule(std::string_view name) {
  if (name.size() < kNameBytesMin || name.size() > kNameBytesMax) {
    return "it must have 3 to 63 characters";
  }
  if (!std::ranges::all_of(
          name, [](char c) { return IsLowerLetterOrDigit(c) || c == '.' || c == '-'; })) {
    return "only lower-case letters, digits, '.' and '-' may stand in it";
  }
  if (!IsLowerLetterOrDigit(name.front()) || !IsLowerLetterOrDigit(name.back())) {
    return "it must begin and end with a letter or a digit";
  }
  if (name.find("..") != std::string_view::npos) return "it must not have two dots side by side";
  if (LooksLikeAddress(name)) return "it must not look like an IP address";
  for (const std::string_view prefix : kReservedPrefixes) {
    if (name.starts_with(prefix)) return fmt::format("S3 keeps the beginning '{}'", prefix);
  }
  for (const std::string_view suffix : kReservedSuffixes) {
    if (name.ends_with(suffix)) return fmt::format("S3 keeps the ending '{}'", suffix);
  }
  if (name.ends_with(kDirectorySuffix) && !IsDirectoryName(name)) {
    return "a directory bucket's is BASE--ZONE--x-s3 without dots";
  }
  return {};
}

}  // namespace

Status CheckNewBucketName(std::string_view name) {
  const std::string rule = BrokenRule(name);
  if (rule.empty()) return Ok();
  return FailS3("InvalidBucketName", fmt::format("'{}' cannot name a bucket: {}", name, rule));
}

}  // namespace headrace::gateway
