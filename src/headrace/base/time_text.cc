// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/time_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace {
namespace {

// Reads a time from fixed places in a text and remembers whether all of it was there.
struct Fields {
  std::string_view text;
  bool is_good = true;

  int Number(size_t begin, size_t width) {
    int value = 0;
    for (size_t i = begin; i < begin + width; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') {
        is_good = false;
        return 0;
      }
      value = value * 10 + (text[i] - '0');
    }
    return value;
  }
  void Expect(size_t place, char c) {
    is_good = is_good && place < text.size() && text[place] == c;
  }
};

std::optional<SystemTime> Assemble(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // SystemTime counts nanoseconds in 64 bits: 1677 to 2262.
  if (year < 1678 || year > 2261 || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return SystemTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

std::tm PartsOf(SystemTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto count = static_cast<std::time_t>(seconds.time_since_epoch().count());
  std::tm parts{};
  gmtime_r(&count, &parts);
  return parts;
}

// Over the zeros that end before `end`; the number is not negative and has no more digits.
void PutDigits(std::string& text, size_t end, int number) {
  for (; number > 0; number /= 10) text[--end] = static_cast<char>('0' + number % 10);
}

constexpr std::chrono::milliseconds kSpanMax = std::chrono::days(31);
constexpr std::array<std::pair<std::string_view, double>, 6> kMillisecondsOf{
    {{"", 1'000}, {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

// By hand: a listing's page has a thousand of them, and a format string is read anew each time.
std::string IsoTime(SystemTime time) {
  const std::tm parts = PartsOf(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time) -
                            std::chrono::floor<std::chrono::seconds>(time);
  std::string text = "0000-00-00T00:00:00.000Z";
  PutDigits(text, 4, parts.tm_year + 1900);
  PutDigits(text, 7, parts.tm_mon + 1);
  PutDigits(text, 10, parts.tm_mday);
  PutDigits(text, 13, parts.tm_hour);
  PutDigits(text, 16, parts.tm_min);
  PutDigits(text, 19, parts.tm_sec);
  PutDigits(text, 23, static_cast<int>(milliseconds.count()));
  return text;
}

std::optional<SystemTime> ParseIsoTime(std::string_view text) {
  Fields fields{.text = text};
  const int year = fields.Number(0, 4);
  const int month = fields.Number(5, 2);
  const int day = fields.Number(8, 2);
  const int hour = fields.Number(11, 2);
  const int minute = fields.Number(14, 2);
  const int second = fields.Number(17, 2);
  fields.Expect(4, '-');
  fields.Expect(7, '-');
  fields.Expect(10, 'T');
  fields.Expect(13, ':');
  fields.Expect(16, ':');
  if (!fields.is_good) return std::nullopt;
  auto time = Assemble(year, month, day, hour, minute, second);
  if (!time) return std::nullopt;

  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (rest.empty() || !IsDigit(rest.front())) return std::nullopt;
    int64_t nanoseconds = 0;
    int64_t unit = 100'000'000;
    while (!rest.empty() && IsDigit(rest.front())) {
      nanoseconds += (rest.front() - '0') * unit;
      unit /= 10;
      rest.remove_prefix(1);
    }
    *time += std::chrono::nanoseconds(nanoseconds);
  }
  if (rest != "Z" && rest != "+00:00") return std::nullopt;
  return time;
}

std::string HttpDate(SystemTime time) {
  const std::tm parts = PartsOf(time);
  std::array<char, 40> text;
  const size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

std::optional<SystemTime> ParseHttpDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  int month = 0;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths[i]) month = static_cast<int>(i) + 1;
  }
  Fields fields{.text = text};
  const int day = fields.Number(5, 2);
  const int year = fields.Number(12, 4);
  const int hour = fields.Number(17, 2);
  const int minute = fields.Number(20, 2);
  const int second = fields.Number(23, 2);
  if (!fields.is_good || month == 0) return std::nullopt;
  return Assemble(year, month, day, hour, minute, second);
}

Result<std::chrono::milliseconds> ParseSpan(std::string_view text) {
  double amount = 0;
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  const std::string_view unit = text.substr(static_cast<size_t>(stopped - text.data()));
  for (const auto& [name, factor] : kMillisecondsOf) {
    if (error != std::errc() || unit != name) continue;
    const double span = std::ceil(amount * factor);
    if (!(span > 0) || span > static_cast<double>(kSpanMax.count())) break;
    return std::chrono::milliseconds(static_cast<int64_t>(span));
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no time above 0 and up to 31 days (90s, 10m, 2h)", text));
}

}  // namespace headrace
