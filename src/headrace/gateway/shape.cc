// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/shape.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/random.h"

namespace headrace::gateway {
namespace {

using std::chrono::nanoseconds;

// Longer silences than any client's time-out rehearse nothing.
constexpr double kSecondsMax = 600;
// exp(3 x 3) is a delay of 8,000 times the median, three times in two thousand.
constexpr double kJitterMax = 3;
constexpr double kRateMax = 1e12;

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kTimeUnits = {Unit{"us", 1e-6}, Unit{"ms", 1e-3}, Unit{"s", 1}};
constexpr std::array kRateUnits = {
    Unit{"B/s", 1},    Unit{"kB/s", 1e3},     Unit{"KB/s", 1e3},     Unit{"MB/s", 1e6},
    Unit{"GB/s", 1e9}, Unit{"KiB/s", 0x1p10}, Unit{"MiB/s", 0x1p20}, Unit{"GiB/s", 0x1p30},
};
constexpr std::array kShareUnits = {Unit{"%", 0.01}, Unit{"", 1}};

// A number with one of the units; nothing for anything else, or beyond [0, max].
std::optional<double> ParseAmount(std::string_view text, std::span<const Unit> units, double max) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(end, static_cast<size_t>(text.end() - end));
  const auto found = std::ranges::find(units, unit, &Unit::name);
  if (found == units.end()) return std::nullopt;
  const double amount = number * found->factor;
  if (!(amount >= 0 && amount <= max)) return std::nullopt;
  return amount;
}

bool ParseTime(std::string_view text, nanoseconds& value) {
  const auto seconds = ParseAmount(text, kTimeUnits, kSecondsMax);
  if (seconds) value = nanoseconds(std::llround(*seconds * 1e9));
  return seconds.has_value();
}

bool ParseShare(std::string_view text, double& value) {
  const auto share = ParseAmount(text, kShareUnits, 1);
  if (share) value = *share;
  return share.has_value();
}

bool ParseFirstByte(std::string_view text, Shape& shape) {
  return ParseTime(text, shape.first_byte);
}

bool ParseJitter(std::string_view text, Shape& shape) {
  constexpr std::string_view kLognormal = "lognormal:";
  constexpr std::array kNoUnit = {Unit{"", 1}};
  if (!text.starts_with(kLognormal)) return false;
  const auto sigma = ParseAmount(text.substr(kLognormal.size()), kNoUnit, kJitterMax);
  if (sigma) shape.jitter_lognormal = *sigma;
  return sigma.has_value();
}

bool ParsePerConnection(std::string_view text, Shape& shape) {
  const auto rate = ParseAmount(text, kRateUnits, kRateMax);
  if (!rate || *rate < 1) return false;
  shape.per_connection_bytes = static_cast<uint64_t>(*rate);
  return true;
}

bool ParseError503(std::string_view text, Shape& shape) {
  return ParseShare(text, shape.error_503);
}

bool ParseReset(std::string_view text, Shape& shape) { return ParseShare(text, shape.reset); }

bool ParseSilent(std::string_view text, Shape& shape) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && ParseShare(text.substr(0, colon), shape.silent) &&
         ParseTime(text.substr(colon + 1), shape.silent_for);
}

bool ParseSeed(std::string_view text, Shape& shape) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), shape.seed);
  return error == std::errc() && end == text.end();
}

struct Setting {
  std::string_view name;
  bool (*parse)(std::string_view, Shape&);
  std::string_view form;
};
constexpr std::array kSettings = {
    Setting{"first-byte", ParseFirstByte, "first-byte=30ms (us, ms or s; at most 600 s)"},
    Setting{"jitter", ParseJitter, "jitter=lognormal:0.5 (0 to 3)"},
    Setting{"per-connection", ParsePerConnection,
            "per-connection=90MB/s (B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s or GiB/s)"},
    Setting{"error-503", ParseError503, "error-503=0.5% (0% to 100%)"},
    Setting{"reset", ParseReset, "reset=0.1% (0% to 100%)"},
    Setting{"silent", ParseSilent, "silent=0.3%:2s (a share and a time of at most 600 s)"},
    Setting{"seed", ParseSeed, "seed=1 (a whole number)"},
};

Status ParseSetting(std::string_view text, Shape& shape, std::vector<std::string_view>& seen) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto setting = std::ranges::find(kSettings, name, &Setting::name);
  if (setting == kSettings.end()) {
    std::string names;
    for (const Setting& one : kSettings) names.append(names.empty() ? "" : ", ").append(one.name);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--shape: '{}' is no setting; there are {}", name, names));
  }
  if (std::ranges::find(seen, name) != seen.end()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("--shape: '{}' is given twice", name));
  }
  seen.push_back(name);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (setting->parse(value, shape)) return Ok();
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--shape: cannot take '{}'; write it like {}", text, setting->form));
}

// Box and Muller's. `first` is in [0, 1).
double StandardNormal(double first, double second) {
  return std::sqrt(-2 * std::log(1 - first)) * std::cos(2 * std::numbers::pi * second);
}

}  // namespace

Result<Shape> ParseShape(std::string_view text) {
  Shape shape;
  std::vector<std::string_view> seen;
  while (true) {
    const size_t comma = text.find(',');
    HR_TRY(ParseSetting(text.substr(0, comma), shape, seen));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (shape.jitter_lognormal > 0 && shape.first_byte.count() == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "--shape: jitter stretches first-byte, which is not given");
  }
  if (shape.error_503 + shape.reset + shape.silent > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "--shape: error-503, reset and silent are shares of all requests and together more "
                "than 100%");
  }
  return shape;
}

Fate FateOf(const Shape& shape, uint64_t ordinal) {
  // Neighbouring states of the generator give unrelated numbers, but overlapping sequences: the
  // first draw of each is the seed of its own.
  Random seeds(shape.seed + ordinal);
  Random random(seeds.Next() ^ shape.seed);
  const double draw = random.Unit();
  const double jitter_first = random.Unit();
  const double jitter_second = random.Unit();
  Fate fate{.reset_share = random.Unit()};
  const double stretch =
      std::exp(shape.jitter_lognormal * StandardNormal(jitter_first, jitter_second));
  const double delay_ns =
      std::min(static_cast<double>(shape.first_byte.count()) * stretch, kSecondsMax * 1e9);
  fate.delay = nanoseconds(std::llround(delay_ns));
  if (draw < shape.error_503) {
    fate.kind = FateKind::kError503;
  } else if (draw < shape.error_503 + shape.reset) {
    fate.kind = FateKind::kReset;
  } else if (draw < shape.error_503 + shape.reset + shape.silent) {
    fate.kind = FateKind::kSilent;
    fate.delay += shape.silent_for;
  }
  return fate;
}

}  // namespace headrace::gateway
