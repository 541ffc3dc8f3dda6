// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/metrics.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include "headrace/base/error.h"

namespace headrace {
namespace {

size_t ValueCount(const MetricLabel& label) { return label.name.empty() ? 1 : label.values.size(); }

void DescribeHistogram(std::string& out, const MetricSpec& spec, const HistogramCounts& counts) {
  const uint64_t count = counts.count();
  const double mean =
      count == 0 ? 0 : static_cast<double>(counts.sum) / static_cast<double>(count) * spec.scale;
  fmt::format_to(std::back_inserter(out), " count={} mean={:.6g} p50={:.6g} p99={:.6g}", count,
                 mean, counts.Quantile(0.5) * spec.scale, counts.Quantile(0.99) * spec.scale);
}

}  // namespace

uint64_t HistogramCounts::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0});
}

double HistogramCounts::Quantile(double q) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    const auto here = static_cast<double>(buckets[bucket]);
    if (here > 0 && below + here >= rank) {
      const auto begin = static_cast<double>(HistogramBucketBegin(bucket));
      if (bucket + 1 == kHistogramBuckets) return begin;
      const auto end = static_cast<double>(HistogramBucketBegin(bucket + 1));
      // A bucket of one value holds nothing between its bounds.
      if (end - begin <= 1) return begin;
      return begin + (end - begin) * (rank - below) / here;
    }
    below += here;
  }
  return 0;
}

uint64_t HistogramCounts::CountBelow(uint64_t bound) const {
  const auto end = buckets.begin() + static_cast<ptrdiff_t>(HistogramBucketOf(bound));
  return std::accumulate(buckets.begin(), end, uint64_t{0});
}

HistogramCounts HistogramCounts::Since(const HistogramCounts& earlier) const {
  HistogramCounts difference;
  for (size_t i = 0; i < kHistogramBuckets; ++i) {
    difference.buckets[i] = buckets[i] - earlier.buckets[i];
  }
  difference.sum = sum - earlier.sum;
  return difference;
}

HistogramCounts Histogram::Counts() const {
  HistogramCounts counts;
  for (size_t i = 0; i < kHistogramBuckets; ++i) {
    counts.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  }
  counts.sum = sum_.load(std::memory_order_relaxed);
  return counts;
}

MetricSet::MetricSet(std::span<const MetricSpec> table) {
  for (const MetricSpec& spec : table) {
    Row row{.spec = &spec};
    row.second_count = ValueCount(spec.labels[1]);
    row.series_count = ValueCount(spec.labels[0]) * row.second_count;
    switch (spec.type) {
      case MetricType::kCounter:
        row.counters = std::make_unique<Counter[]>(row.series_count);
        break;
      case MetricType::kGauge:
        row.gauges = std::make_unique<Gauge[]>(row.series_count);
        break;
      case MetricType::kHistogram:
        row.histograms = std::make_unique<Histogram[]>(row.series_count);
        break;
    }
    rows_.push_back(std::move(row));
  }
}

MetricSet::~MetricSet() = default;

size_t MetricSet::IndexIn(const Row& row, size_t label, size_t second_label) {
  HR_CHECK(second_label < row.second_count);
  const size_t index = label * row.second_count + second_label;
  HR_CHECK(index < row.series_count);
  return index;
}

Counter& MetricSet::CounterAt(size_t row, size_t label, size_t second_label) {
  HR_CHECK(row < rows_.size() && rows_[row].counters);
  return rows_[row].counters[IndexIn(rows_[row], label, second_label)];
}

Gauge& MetricSet::GaugeAt(size_t row, size_t label, size_t second_label) {
  HR_CHECK(row < rows_.size() && rows_[row].gauges);
  return rows_[row].gauges[IndexIn(rows_[row], label, second_label)];
}

Histogram& MetricSet::HistogramAt(size_t row, size_t label, size_t second_label) {
  HR_CHECK(row < rows_.size() && rows_[row].histograms);
  return rows_[row].histograms[IndexIn(rows_[row], label, second_label)];
}

MetricFamily MetricSet::SnapshotOf(const Row& row) {
  const MetricSpec& spec = *row.spec;
  MetricFamily family{.spec = spec, .samples = {}};
  for (size_t i = 0; i < row.series_count; ++i) {
    MetricSample sample;
    if (!spec.labels[0].name.empty()) {
      sample.label_values[0] = spec.labels[0].values[i / row.second_count];
    }
    if (!spec.labels[1].name.empty()) {
      sample.label_values[1] = spec.labels[1].values[i % row.second_count];
    }
    bool is_touched = row.series_count == 1;
    if (row.histograms) {
      sample.histogram = row.histograms[i].Counts();
      is_touched = is_touched || sample.histogram.count() > 0;
    } else {
      sample.value = row.counters ? static_cast<double>(row.counters[i].value())
                                  : static_cast<double>(row.gauges[i].value());
      sample.value *= spec.scale;
      is_touched = is_touched || sample.value != 0;
    }
    if (is_touched) family.samples.push_back(std::move(sample));
  }
  return family;
}

MetricsSnapshot MetricSet::Snapshot() const {
  MetricsSnapshot snapshot;
  snapshot.reserve(rows_.size());
  for (const Row& row : rows_) snapshot.push_back(SnapshotOf(row));
  return snapshot;
}

std::string DescribeMetrics(const MetricsSnapshot& snapshot) {
  std::string out;
  for (const MetricFamily& family : snapshot) {
    for (const MetricSample& sample : family.samples) {
      out += family.spec.name;
      std::string labels;
      for (size_t i = 0; i < family.spec.labels.size(); ++i) {
        const std::string_view name = family.spec.labels[i].name;
        if (name.empty()) continue;
        fmt::format_to(std::back_inserter(labels), "{}{}=\"{}\"", labels.empty() ? "" : ",", name,
                       sample.label_values[i]);
      }
      if (!labels.empty()) out.append("{").append(labels).append("}");
      if (family.spec.type == MetricType::kHistogram) {
        DescribeHistogram(out, family.spec, sample.histogram);
      } else {
        fmt::format_to(std::back_inserter(out), " {:.15g}", sample.value);
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace headrace
