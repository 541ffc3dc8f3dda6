// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "headrace/base/metrics.h"

namespace headrace::fetch {

// What a Fetcher counts; rows of kFetchMetrics. Retries by cause are the store's to count.
enum class FetchMetric : uint8_t {
  kRequests,
  kBytes,
  kFailedReads,
  kRepeatedReads,
  kHedges,
  kFirstByteSeconds,
  kPartSeconds,
  kWindow,
  kInFlight,
  kLargePartLoops,
  kMemoryBytes,
  kBufferBytes,
  kWaitSeconds,
};

// The values of the label "outcome" of kHedges.
enum class HedgeOutcome : uint8_t { kStarted, kWon, kLost };
inline constexpr std::array<std::string_view, 3> kHedgeOutcomes = {"started", "won", "lost"};

// What kept the engine from having more in flight: the window was full, so the network; memory was
// held, so the consumer; nothing was left to ask for, so the source. Values of the label "for".
enum class WaitingFor : uint8_t { kNetwork, kConsumer, kSource };
inline constexpr std::array<std::string_view, 3> kWaitingFor = {"network", "consumer", "source"};

inline constexpr std::array kFetchMetrics = {
    MetricSpec{.name = "headrace_fetch_requests_total",
               .help = "Parts and objects asked for; retries not counted.",
               .unit = ""},
    MetricSpec{.name = "headrace_fetch_bytes_total",
               .help = "Bytes delivered to consumers.",
               .unit = "bytes"},
    MetricSpec{.name = "headrace_fetch_failed_reads_total",
               .help = "Reads that ended with an error.",
               .unit = ""},
    MetricSpec{.name = "headrace_fetch_repeated_reads_total",
               .help = "Objects read a second time because their parts broke their checksum.",
               .unit = ""},
    MetricSpec{.name = "headrace_fetch_hedges_total",
               .help = "Second requests for parts that were late.",
               .unit = "",
               .labels = {MetricLabel{.name = "outcome", .values = kHedgeOutcomes}}},
    MetricSpec{.name = "headrace_fetch_first_byte_seconds",
               .help = "From a request's start to the head of its answer.",
               .unit = "seconds",
               .type = MetricType::kHistogram,
               .scale = 1e-6},
    MetricSpec{.name = "headrace_fetch_part_seconds",
               .help = "From a request's start to its last byte.",
               .unit = "seconds",
               .type = MetricType::kHistogram,
               .scale = 1e-6},
    MetricSpec{.name = "headrace_fetch_window_requests",
               .help = "Requests that may be in flight.",
               .unit = "",
               .type = MetricType::kGauge},
    MetricSpec{.name = "headrace_fetch_in_flight_requests",
               .help = "Requests in flight, hedges not counted.",
               .unit = "",
               .type = MetricType::kGauge},
    MetricSpec{.name = "headrace_fetch_large_part_loops",
               .help = "Event loops that may carry parts of 1 MiB and more.",
               .unit = "",
               .type = MetricType::kGauge},
    MetricSpec{.name = "headrace_fetch_memory_bytes",
               .help = "Memory asked for or delivered and not yet let go.",
               .unit = "bytes",
               .type = MetricType::kGauge},
    MetricSpec{.name = "headrace_fetch_buffer_bytes",
               .help = "Buffers: of answers that have begun, and kept for those to come.",
               .unit = "bytes",
               .type = MetricType::kGauge},
    MetricSpec{.name = "headrace_fetch_wait_seconds_total",
               .help = "Time that less was in flight than could be, by what was waited for.",
               .unit = "seconds",
               .labels = {MetricLabel{.name = "for", .values = kWaitingFor}},
               .scale = 1e-6},
};

}  // namespace headrace::fetch
