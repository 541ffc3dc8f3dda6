// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "headrace/plan/listing_file.h"

namespace headrace::plan {
namespace {

std::unexpected<Error> Corrupt(std::string what) {
  return Fail(ErrorCode::kCorrupt, std::move(what));
}

// Exactly `digits` digits at the start of `text`, which moves past them and `after`.
std::optional<int> TakeNumber(std::string_view& text, size_t digits, std::string_view after) {
  if (text.size() < digits + after.size()) return std::nullopt;
  int value = 0;
  const char* const end = text.data() + digits;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  if (!text.starts_with(after)) return std::nullopt;
  text.remove_prefix(after.size());
  return value;
}

// ".123456789": as nanoseconds; no more than nine digits count.
std::optional<std::chrono::nanoseconds> TakeFraction(std::string_view& text) {
  std::chrono::nanoseconds fraction{0};
  if (!text.starts_with('.')) return fraction;
  text.remove_prefix(1);
  int64_t unit = 100'000'000;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, unit /= 10) {
    fraction += std::chrono::nanoseconds((text[digits] - '0') * unit);
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return fraction;
}

// RFC 3339 in UTC: 2026-02-03T04:05:06[.fraction]Z or …+00:00.
std::optional<SystemTime> ParseTime(std::string_view text) {
  const auto year = TakeNumber(text, 4, "-");
  const auto month = year ? TakeNumber(text, 2, "-") : std::nullopt;
  const auto day = month ? TakeNumber(text, 2, "T") : std::nullopt;
  const auto hour = day ? TakeNumber(text, 2, ":") : std::nullopt;
  const auto minute = hour ? TakeNumber(text, 2, ":") : std::nullopt;
  const auto second = minute ? TakeNumber(text, 2, "") : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = TakeFraction(text);
  if (!fraction || (text != "Z" && text != "+00:00")) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return SystemTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute) + std::chrono::seconds(*second) + *fraction;
}

Result<std::string> TextMember(const simdjson::dom::object& object, std::string_view name) {
  const auto member = object[name];
  if (member.error() == simdjson::NO_SUCH_FIELD) return std::string();
  std::string_view text;
  if (member.is_null()) return std::string();
  if (member.get(text) != simdjson::SUCCESS) return Corrupt(fmt::format("'{}' is no text", name));
  return std::string(text);
}

}  // namespace

Result<ObjectInfo> ParseListingLine(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  const auto error = parser.parse(line.data(), line.size()).get(object);
  if (error != simdjson::SUCCESS) {
    return Corrupt(fmt::format("not a JSON object ({})", simdjson::error_message(error)));
  }
  ObjectInfo info;
  std::string_view key;
  if (object["key"].get(key) != simdjson::SUCCESS || key.empty()) {
    return Corrupt("'key' is missing or no text");
  }
  info.key = key;
  if (object["size_bytes"].get(info.size_bytes) != simdjson::SUCCESS) {
    return Corrupt("'size_bytes' is missing or no size");
  }
  HR_TRY_ASSIGN(info.etag, TextMember(object, "etag"));
  HR_TRY_ASSIGN(info.storage_class, TextMember(object, "storage_class"));
  HR_TRY_ASSIGN(const std::string modified, TextMember(object, "modified"));
  if (!modified.empty()) {
    const auto time = ParseTime(modified);
    if (!time) return Corrupt("'modified' is no RFC 3339 time in UTC");
    info.modified = *time;
  }
  return info;
}

}  // namespace headrace::plan
