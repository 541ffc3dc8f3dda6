// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/prometheus_text.h"

#include <sstream>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace headrace::gateway {
namespace {

struct Log2Range {
  uint32_t first;
  uint32_t last;
};
constexpr Log2Range kTimeRange{.first = 6, .last = 26};
constexpr Log2Range kOtherRange{.first = 0, .last = kHistogramTopLog2};

prometheus::MetricType TypeOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric::Histogram HistogramOf(const MetricSpec& spec,
                                                const HistogramCounts& counts) {
  prometheus::ClientMetric::Histogram histogram;
  histogram.sample_count = counts.count();
  histogram.sample_sum = static_cast<double>(counts.sum) * spec.scale;
  const Log2Range range = spec.unit == "seconds" ? kTimeRange : kOtherRange;
  for (uint32_t log2 = range.first; log2 <= range.last; ++log2) {
    const uint64_t bound = uint64_t{1} << log2;
    histogram.bucket.push_back({.cumulative_count = counts.CountBelow(bound),
                                .upper_bound = static_cast<double>(bound) * spec.scale});
  }
  return histogram;
}

prometheus::ClientMetric MetricOf(const MetricSpec& spec, const MetricSample& sample) {
  prometheus::ClientMetric metric;
  for (size_t i = 0; i < spec.labels.size(); ++i) {
    if (spec.labels[i].name.empty()) continue;
    metric.label.push_back(
        {.name = std::string(spec.labels[i].name), .value = std::string(sample.label_values[i])});
  }
  switch (spec.type) {
    case MetricType::kCounter:
      metric.counter.value = sample.value;
      break;
    case MetricType::kGauge:
      metric.gauge.value = sample.value;
      break;
    case MetricType::kHistogram:
      metric.histogram = HistogramOf(spec, sample.histogram);
      break;
  }
  return metric;
}

}  // namespace

std::string PrometheusText(const MetricsSnapshot& snapshot) {
  std::vector<prometheus::MetricFamily> families;
  for (const MetricFamily& family : snapshot) {
    prometheus::MetricFamily converted;
    converted.name = family.spec.name;
    converted.help = family.spec.help;
    converted.type = TypeOf(family.spec.type);
    for (const MetricSample& sample : family.samples) {
      converted.metric.push_back(MetricOf(family.spec, sample));
    }
    families.push_back(std::move(converted));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return std::move(text).str();
}

}  // namespace headrace::gateway
