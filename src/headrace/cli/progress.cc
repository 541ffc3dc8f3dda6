// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/progress.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/cli/human_text.h"

namespace headrace::cli {
namespace {

// Under this a bar shows too few steps to be worth its place.
constexpr size_t kBarColumnsMin = 10;
constexpr size_t kBarColumnsMax = 30;

double BytesPerSecond(const Progress& progress) {
  const double seconds = std::chrono::duration<double>(progress.elapsed).count();
  return seconds > 0 ? static_cast<double>(progress.bytes_done) / seconds : 0;
}

std::string TimeLeft(const Progress& progress) {
  const double rate = BytesPerSecond(progress);
  if (!progress.is_all_found || rate <= 0) return "";
  const uint64_t left = progress.bytes_found - std::min(progress.bytes_done, progress.bytes_found);
  const double seconds = std::ceil(static_cast<double>(left) / rate);
  // More than a year is a stalled transfer, not a forecast.
  constexpr double kSecondsMax = 365.0 * 24 * 3600;
  if (seconds > kSecondsMax) return "";
  return fmt::format("  {} left",
                     DurationText(std::chrono::seconds(static_cast<int64_t>(seconds))));
}

std::string Bar(const Progress& progress, size_t columns) {
  const size_t inner = columns - 2;
  const double share = progress.bytes_found == 0
                           ? 1.0
                           : std::min(1.0, static_cast<double>(progress.bytes_done) /
                                               static_cast<double>(progress.bytes_found));
  const auto filled = static_cast<size_t>(share * static_cast<double>(inner));
  return "[" + std::string(filled, '=') + std::string(inner - filled, ' ') + "]";
}

}  // namespace

std::string ProgressLine(const Progress& progress, size_t width) {
  // Behind a total that may still grow.
  const char* more = progress.is_all_found ? "" : "+";
  std::string line = fmt::format(
      "{} of {}{}  {} of {}{} files  {}/s{}", SizeText(progress.bytes_done),
      SizeText(progress.bytes_found), more, progress.items_done, progress.items_found, more,
      SizeText(static_cast<uint64_t>(BytesPerSecond(progress))), TimeLeft(progress));
  if (progress.items_failed > 0) line += fmt::format("  {} failed", progress.items_failed);
  const size_t room = width > line.size() + 2 ? width - line.size() - 2 : 0;
  if (progress.is_all_found && room >= kBarColumnsMin) {
    line = Bar(progress, std::min(room, kBarColumnsMax)) + "  " + line;
  }
  if (line.size() > width) line.resize(width);
  return line;
}

}  // namespace headrace::cli
