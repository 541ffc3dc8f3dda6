// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/setting_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSpanMax = std::chrono::days(31);
constexpr std::array<std::pair<std::string_view, double>, 6> kMillisecondsOf{
    {{"", 1'000}, {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

Result<milliseconds> ParseSpan(std::string_view text) {
  double amount = 0;
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  const std::string_view unit = text.substr(static_cast<size_t>(stopped - text.data()));
  for (const auto& [name, factor] : kMillisecondsOf) {
    if (error != std::errc() || unit != name) continue;
    const double span = std::ceil(amount * factor);
    if (!(span > 0) || span > static_cast<double>(kSpanMax.count())) break;
    return milliseconds(static_cast<int64_t>(span));
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no time above 0 and up to 31 days (90s, 10m, 2h)", text));
}

Result<Compression> ParseOutputCompression(std::string_view text) {
  if (EqualIgnoringCase(text, "NONE")) return Compression::kNone;
  if (EqualIgnoringCase(text, "GZIP")) return Compression::kGzip;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("output compression '{}' must be GZIP or NONE", text));
}

Result<CheckpointSpec> ParseCheckpoint(std::string_view text) {
  CheckpointSpec checkpoint;
  const size_t equals = text.find('=');
  checkpoint.s3_uri = text.substr(0, equals);
  if (equals != std::string_view::npos) {
    checkpoint.folder = text.substr(equals + 1);
    if (checkpoint.folder.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("checkpoint '{}' names no folder after '='", text));
    }
  }
  HR_TRY(While("checkpoint", ParseS3Uri(checkpoint.s3_uri)));
  return checkpoint;
}

}  // namespace headrace::job
