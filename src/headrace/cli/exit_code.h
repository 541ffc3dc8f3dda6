// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::cli {

// What the process ends with. Scripts depend on these numbers: they never change meaning.
// `headrace run` ends with its command's own code, cast to this type.
enum class ExitCode : uint8_t {
  kSuccess = 0,
  kFailure = 1,
  kUsage = 2,
  kNotFound = 3,
  kDenied = 4,
  kPartial = 5,
  kConflict = 6,
  kUnavailable = 7,
  kInterrupted = 130,
};

// What an error that ends a command makes of its exit code.
ExitCode ExitCodeOf(ErrorCode code);

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};
// Every code once, in ascending order: what `headrace --help` and docs/cli.md show.
std::span<const ExitCodeMeaning> ExitCodeMeanings();

}  // namespace headrace::cli
