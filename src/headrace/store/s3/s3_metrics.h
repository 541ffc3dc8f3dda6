// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/base/metrics.h"

namespace headrace::s3 {

// What an S3Store counts; rows of kS3Metrics.
enum class S3Metric : uint8_t { kTries, kRetries };

// Why a try was repeated: the values of the label "cause" of kRetries.
enum class RetryCause : uint8_t {
  kThrottled,    // The server said slow down.
  kServerError,  // The server said that it failed.
  kNoAnswer,     // Refused, reset, no such host.
  kTimedOut,     // Nothing came in time.
  kCorrupt,      // What came broke its checksum or was no HTTP.
};
inline constexpr std::array<std::string_view, 5> kRetryCauses = {
    "throttled", "server_error", "no_answer", "timed_out", "corrupt"};

inline constexpr std::array kS3Metrics = {
    MetricSpec{.name = "headrace_s3_tries_total",
               .help = "Requests sent to the store, each try counted.",
               .unit = ""},
    MetricSpec{.name = "headrace_s3_retries_total",
               .help = "Requests sent again, by what went wrong before.",
               .unit = "",
               .labels = {MetricLabel{.name = "cause", .values = kRetryCauses}}},
};

// Shared by the stores of a process that are counted together. Threads: any.
using S3Metrics = Metrics<S3Metric>;

// Requests sent again, for whatever cause.
uint64_t RetryCount(S3Metrics& metrics);

// Of an error that is worth another try (ClassifyRetry).
RetryCause CauseOf(const Error& error);

}  // namespace headrace::s3
