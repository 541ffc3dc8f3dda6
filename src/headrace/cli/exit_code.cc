// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/exit_code.h"

#include <array>

namespace headrace::cli {

ExitCode ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kPermissionDenied:
      return ExitCode::kDenied;
    case ErrorCode::kPreconditionFailed:
    case ErrorCode::kAlreadyExists:
      return ExitCode::kConflict;
    case ErrorCode::kThrottled:  // Retries are spent by the time it gets here.
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimedOut:
      return ExitCode::kUnavailable;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorCode::kCorrupt:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kInternal:
      return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

std::span<const ExitCodeMeaning> ExitCodeMeanings() {
  static constexpr std::array kMeanings{
      ExitCodeMeaning{ExitCode::kSuccess, "done"},
      ExitCodeMeaning{ExitCode::kFailure,
                      "failed: damaged bytes, disk full, a limit of this machine"},
      ExitCodeMeaning{ExitCode::kUsage, "the command line cannot be understood or done"},
      ExitCodeMeaning{ExitCode::kNotFound, "no such bucket, object or file"},
      ExitCodeMeaning{ExitCode::kDenied, "credentials or permissions missing, expired or refused"},
      ExitCodeMeaning{ExitCode::kPartial,
                      "some objects failed (each is named), the others are done"},
      ExitCodeMeaning{ExitCode::kConflict, "it exists already, or it changed meanwhile"},
      ExitCodeMeaning{
          ExitCode::kUnavailable,
          "the store cannot be reached or is too busy, or --timeout is over: try later"},
      ExitCodeMeaning{ExitCode::kInterrupted, "interrupted (Ctrl-C)"},
  };
  return kMeanings;
}

}  // namespace headrace::cli
