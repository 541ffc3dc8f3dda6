// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/base/metrics.h"

namespace headrace::gateway {

// The media type of PrometheusText.
inline constexpr const char* kPrometheusMediaType = "text/plain; version=0.0.4; charset=utf-8";

// A snapshot in Prometheus' text format. Histograms of times get a bucket for every power of two
// from 64 microseconds to 67 seconds, others from 1 to 2^40.
std::string PrometheusText(const MetricsSnapshot& snapshot);

}  // namespace headrace::gateway
