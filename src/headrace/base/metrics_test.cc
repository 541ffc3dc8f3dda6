// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/metrics.h"

#include <cmath>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

enum class TestMetric : uint8_t { kRequests, kOpen, kLatency };
constexpr std::array<std::string_view, 2> kOperations = {"GetObject", "PutObject"};
constexpr std::array<std::string_view, 3> kStatuses = {"200", "404", "other"};
constexpr std::array<MetricSpec, 3> kTable = {
    MetricSpec{.name = "requests_total",
               .help = "Requests answered.",
               .unit = "",
               .type = MetricType::kCounter,
               .labels = {MetricLabel{"operation", kOperations}, MetricLabel{"status", kStatuses}}},
    MetricSpec{.name = "connections", .help = "Open.", .unit = "", .type = MetricType::kGauge},
    MetricSpec{.name = "latency_seconds",
               .help = "Time to answer.",
               .unit = "seconds",
               .type = MetricType::kHistogram,
               .scale = 1e-6},
};

TEST(Histogram, BucketsCoverEveryValueInOrder) {
  for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    const uint64_t begin = HistogramBucketBegin(bucket);
    EXPECT_EQ(HistogramBucketOf(begin), bucket);
    if (begin > 0) {
      EXPECT_EQ(HistogramBucketOf(begin - 1), bucket - 1);
    }
  }
  EXPECT_EQ(HistogramBucketOf(UINT64_MAX), kHistogramBuckets - 1);
}

TEST(Histogram, QuantilesAreRightToABucket) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  Histogram histogram;
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::exp(random.Unit() * 20);
    values.push_back(std::floor(value));
    histogram.Record(static_cast<uint64_t>(value));
  }
  std::ranges::sort(values);
  const HistogramCounts counts = histogram.Counts();
  EXPECT_EQ(counts.count(), values.size());
  for (const double q : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = values[static_cast<size_t>(q * static_cast<double>(values.size()))];
    EXPECT_NEAR(counts.Quantile(q), exact, exact * 0.13 + 1) << q;
  }
  EXPECT_EQ(HistogramCounts().Quantile(0.5), 0);
}

TEST(Histogram, ADifferenceHoldsWhatCameBetween) {
  Histogram histogram;
  histogram.Record(5);
  const HistogramCounts earlier = histogram.Counts();
  histogram.Record(1000);
  const HistogramCounts recent = histogram.Counts().Since(earlier);
  EXPECT_EQ(recent.count(), 1U);
  EXPECT_EQ(recent.sum, 1000U);
  EXPECT_EQ(recent.CountBelow(512), 0U);
  EXPECT_EQ(recent.CountBelow(1024), 1U);
}

TEST(Metrics, KeepsEachSeriesApartAndLeavesUntouchedOnesOut) {
  Metrics<TestMetric> metrics(kTable);
  metrics.counter(TestMetric::kRequests, 1, 2).Add(3);
  metrics.gauge(TestMetric::kOpen).Add(4);
  metrics.gauge(TestMetric::kOpen).Add(-1);
  metrics.histogram(TestMetric::kLatency).Record(2'000'000);
  const MetricsSnapshot snapshot = metrics.Snapshot();
  ASSERT_THAT(snapshot, SizeIs(3));
  ASSERT_THAT(snapshot[0].samples, SizeIs(1));
  EXPECT_EQ(snapshot[0].samples[0].label_values[0], "PutObject");
  EXPECT_EQ(snapshot[0].samples[0].label_values[1], "other");
  const std::string text = DescribeMetrics(snapshot);
  EXPECT_THAT(text, HasSubstr("requests_total{operation=\"PutObject\",status=\"other\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("connections 3\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds count=1 mean=2 "));
}

TEST(Metrics, ASeriesWithoutLabelsIsThereBeforeItIsTouched) {
  const Metrics<TestMetric> metrics(kTable);
  const MetricsSnapshot snapshot = metrics.Snapshot();
  EXPECT_THAT(snapshot[0].samples, IsEmpty());
  EXPECT_THAT(snapshot[1].samples, SizeIs(1));
  EXPECT_THAT(snapshot[2].samples, SizeIs(1));
}

TEST(Metrics, CountsFromManyThreadsAtOnce) {
  Metrics<TestMetric> metrics(kTable);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (uint64_t n = 0; n < 10'000; ++n) {
        metrics.counter(TestMetric::kRequests).Add();
        metrics.histogram(TestMetric::kLatency).Record(n);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter(TestMetric::kRequests).value(), 40'000U);
  EXPECT_EQ(metrics.histogram(TestMetric::kLatency).Counts().count(), 40'000U);
}

}  // namespace
}  // namespace headrace
