// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

// What an owner counts is declared in one table (an array of MetricSpec, indexed by an enum) and
// lives in one Metrics<Enum> that the owner is handed; nothing is process-global. Label values are
// declared too, so every series exists from the start: recording takes no lock, allocates nothing,
// and a family can not grow.

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

// A label and every value it can have.
struct MetricLabel {
  std::string_view name;
  std::span<const std::string_view> values;
};

struct MetricSpec {
  std::string_view name;  // As Prometheus wants it: base unit last, counters end in _total.
  std::string_view help;  // One sentence.
  std::string_view unit;  // Of the numbers as they are printed: "seconds", "bytes", "" for a count.
  MetricType type = MetricType::kCounter;
  // At most two; an unused one has no name.
  std::array<MetricLabel, 2> labels = {};
  // One recorded unit in `unit`: histograms of times record microseconds and print seconds (1e-6).
  double scale = 1;
};

// Threads, for the three kinds of series: every method may be called from any thread at once.
class Counter {
 public:
  void Add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// A level that goes up and down.
class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// Buckets of logarithmic width: eight to each doubling, so a quantile is right to 6 %. The first
// eight values have a bucket each; what is over 2^40 counts as 2^40.
inline constexpr uint32_t kHistogramStepsLog2 = 3;
inline constexpr uint32_t kHistogramTopLog2 = 40;
inline constexpr size_t kHistogramBuckets =
    (size_t{kHistogramTopLog2 - kHistogramStepsLog2 + 1} << kHistogramStepsLog2) + 1;

constexpr size_t HistogramBucketOf(uint64_t value) {
  constexpr uint64_t kSteps = uint64_t{1} << kHistogramStepsLog2;
  if (value < kSteps) return value;
  if (value >= uint64_t{1} << kHistogramTopLog2) return kHistogramBuckets - 1;
  const uint32_t shift = static_cast<uint32_t>(std::bit_width(value)) - 1 - kHistogramStepsLog2;
  return (size_t{shift} << kHistogramStepsLog2) + (value >> shift);
}
// The least value of a bucket.
constexpr uint64_t HistogramBucketBegin(size_t bucket) {
  constexpr uint64_t kSteps = uint64_t{1} << kHistogramStepsLog2;
  if (bucket < kSteps) return bucket;
  const uint64_t shift = (bucket >> kHistogramStepsLog2) - 1;
  return (kSteps + (bucket & (kSteps - 1))) << shift;
}

// A histogram at one moment: a plain value.
struct HistogramCounts {
  std::array<uint64_t, kHistogramBuckets> buckets = {};
  uint64_t sum = 0;

  uint64_t count() const;
  // The value below which the share `q` (0..1) of all values lies, between the bounds of its bucket
  // in proportion; 0 when nothing was recorded.
  double Quantile(double q) const;
  // How many values were below `bound`, which is a power of two.
  uint64_t CountBelow(uint64_t bound) const;
  // What came after `earlier`, an older snapshot of the same histogram.
  HistogramCounts Since(const HistogramCounts& earlier) const;
};

class Histogram {
 public:
  void Record(uint64_t value) {
    buckets_[HistogramBucketOf(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  // Each number is whole; values recorded meanwhile may be in the sum and not in a bucket.
  HistogramCounts Counts() const;

 private:
  std::array<std::atomic<uint64_t>, kHistogramBuckets> buckets_ = {};
  std::atomic<uint64_t> sum_ = 0;
};

// One series of a family at one moment.
struct MetricSample {
  std::array<std::string_view, 2> label_values = {};  // In the order of the labels.
  double value = 0;                                   // Counters and gauges, scaled.
  HistogramCounts histogram;                          // As recorded: not scaled.
};

// Series of a labelled family that were never touched are left out.
struct MetricFamily {
  MetricSpec spec;
  std::vector<MetricSample> samples;
};
using MetricsSnapshot = std::vector<MetricFamily>;

// "name{label="value"} 12" a line; histograms with count, mean and quantiles. For people.
std::string DescribeMetrics(const MetricsSnapshot& snapshot);

// The series of a table. Threads: as the series. Lifetime: the table outlives it.
class MetricSet {
 public:
  explicit MetricSet(std::span<const MetricSpec> table);
  ~MetricSet();
  MetricSet(const MetricSet&) = delete;
  MetricSet& operator=(const MetricSet&) = delete;

  // A row of the table, and positions in its labels' values.
  Counter& CounterAt(size_t row, size_t label = 0, size_t second_label = 0);
  Gauge& GaugeAt(size_t row, size_t label = 0, size_t second_label = 0);
  Histogram& HistogramAt(size_t row, size_t label = 0, size_t second_label = 0);

  MetricsSnapshot Snapshot() const;

 private:
  struct Row {
    const MetricSpec* spec = nullptr;
    size_t second_count = 1;  // Values of the second label.
    size_t series_count = 1;
    std::unique_ptr<Counter[]> counters;
    std::unique_ptr<Gauge[]> gauges;
    std::unique_ptr<Histogram[]> histograms;
  };
  static size_t IndexIn(const Row& row, size_t label, size_t second_label);
  static MetricFamily SnapshotOf(const Row& row);

  std::vector<Row> rows_;
};

// MetricSet with the table's rows named by an enum:
//   Metrics<FetchMetric> metrics(kFetchMetrics);
//   metrics.counter(FetchMetric::kHedges, kWon).Add();
// Hot code keeps the reference.
template <typename Id>
class Metrics {
 public:
  explicit Metrics(std::span<const MetricSpec> table) : set_(table) {}

  Counter& counter(Id id, size_t label = 0, size_t second_label = 0) {
    return set_.CounterAt(static_cast<size_t>(id), label, second_label);
  }
  Gauge& gauge(Id id, size_t label = 0, size_t second_label = 0) {
    return set_.GaugeAt(static_cast<size_t>(id), label, second_label);
  }
  Histogram& histogram(Id id, size_t label = 0, size_t second_label = 0) {
    return set_.HistogramAt(static_cast<size_t>(id), label, second_label);
  }
  MetricsSnapshot Snapshot() const { return set_.Snapshot(); }

 private:
  MetricSet set_;
};

}  // namespace headrace
