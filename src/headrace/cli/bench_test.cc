// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/cli/bench_reads.h"
#include "headrace/cli/bench_report.h"
#include "headrace/cli/bench_timeline.h"
#include "headrace/fetch/fetch_metrics.h"
#include "headrace/store/s3/s3_metrics.h"
#include "testing/result_matchers.h"

namespace headrace::cli {
namespace {

using headrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

plan::Listing ListingOf(const std::vector<uint64_t>& sizes) {
  plan::ListingBuilder builder;
  for (size_t index = 0; index < sizes.size(); ++index) {
    ObjectInfo object;
    object.key = std::to_string(index);
    object.size_bytes = sizes[index];
    EXPECT_THAT(builder.Add(object), IsOk());
  }
  auto listing = builder.Finish();
  EXPECT_THAT(listing, IsOk());
  return std::move(*listing);
}

TEST(BenchReads, AreTheObjectsInTheListingsOrder) {
  const BenchReads reads("b", ListingOf({5, 0, 7}), {});
  ASSERT_EQ(reads.size(), 3);
  for (uint64_t index = 0; index < 3; ++index) {
    EXPECT_EQ(reads.At(index).key, std::to_string(index));
    EXPECT_TRUE(reads.At(index).is_whole_object());
  }
}

TEST(BenchReads, ShuffledAreEveryObjectOnceAndTheSameForTheSameSeed) {
  const std::vector<uint64_t> sizes(100, 1);
  const BenchReads reads("b", ListingOf(sizes), {.seed = 7, .is_shuffled = true});
  const BenchReads again("b", ListingOf(sizes), {.seed = 7, .is_shuffled = true});
  std::set<std::string> keys;
  size_t moved_count = 0;
  for (uint64_t index = 0; index < 100; ++index) {
    const std::string key = reads.At(index).key;
    keys.insert(key);
    if (key != ListingOf(sizes).KeyAt(index)) ++moved_count;
    EXPECT_EQ(again.At(index).key, key);
  }
  EXPECT_EQ(keys.size(), 100);
  EXPECT_GT(moved_count, 50);
}

TEST(BenchReads, RangesLieInsideTheirObjectsAndBeginOnPages) {
  constexpr uint64_t kSmall = 1000;
  constexpr uint64_t kLarge = 1'000'000;
  const BenchReads reads("b", ListingOf({kSmall, kLarge}),
                         {.range_size_bytes = 65'536, .read_count = 500, .seed = 3});
  ASSERT_EQ(reads.size(), 500);
  std::set<uint64_t> begins;
  for (uint64_t index = 0; index < reads.size(); ++index) {
    const fetch::PlannedRead read = reads.At(index);
    EXPECT_EQ(read.range.begin % 4096, 0);
    EXPECT_LE(read.range.end, read.object_size_bytes);
    EXPECT_EQ(read.range.size_bytes(), read.object_size_bytes == kSmall ? kSmall : 65'536);
    if (read.object_size_bytes == kLarge) begins.insert(read.range.begin);
  }
  EXPECT_GT(begins.size(), 100);
}

TEST(BenchReads, AnEmptyListingGivesNone) {
  EXPECT_EQ(BenchReads("b", {}, {.range_size_bytes = 10}).size(), 0);
}

TEST(BenchTimeline, KeepsEveryByteAsTimeRunsPastItsEnd) {
  BenchTimeline timeline;
  timeline.Add(0ms, 1);
  timeline.Add(100ms, 10);
  timeline.Add(10s, 100);
  EXPECT_GT(timeline.bin_width() * BenchTimeline::kBins, 10s);
  EXPECT_LE(timeline.bin_width() * BenchTimeline::kBins, 20s);
  uint64_t total = 0;
  for (const uint64_t bytes : timeline.bytes()) total += bytes;
  EXPECT_EQ(total, 111);
  EXPECT_EQ(timeline.bytes()[static_cast<size_t>(10s / timeline.bin_width())], 100);
}

BenchReport SampleReport() {
  BenchReport report{.source = "s3://b/<script>&\"", .mode = "memory", .loop_count = 2};
  report.batch_size = 4;
  report.result.wall = 10s;
  report.result.waited = 8s;
  report.result.use.user = 3s;
  report.result.use.system = 1s;
  report.result.arrivals.samples_done = 100;
  report.result.arrivals.bytes = 2ULL << 30U;
  report.result.arrivals.timeline.Add(1s, 2ULL << 30U);
  report.result.steps.buckets[HistogramBucketOf(1'000'000)] = 25;
  report.result.cached_steps.buckets[HistogramBucketOf(1'000)] = 25;
  return report;
}

TEST(BenchReport, SharesAddUpToTheWallTime) {
  const BenchShares shares = SharesOf(SampleReport());
  EXPECT_DOUBLE_EQ(shares.consumer_s, 2);
  EXPECT_DOUBLE_EQ(shares.cpu_s, 2);
  EXPECT_DOUBLE_EQ(shares.network_s, 6);
}

TEST(BenchReport, WaitingForFirstBytesIsTheStoresTime) {
  Metrics<fetch::FetchMetric> engine(fetch::kFetchMetrics);
  engine.histogram(fetch::FetchMetric::kFirstByteSeconds).Record(10'000);
  engine.histogram(fetch::FetchMetric::kPartSeconds).Record(30'000);
  engine.counter(fetch::FetchMetric::kHedges, 0).Add(3);
  BenchReport report = SampleReport();
  report.result.engine = engine.Snapshot();
  const BenchShares shares = SharesOf(report);
  EXPECT_DOUBLE_EQ(shares.store_s, 2);
  EXPECT_DOUBLE_EQ(shares.network_s, 4);
  const std::string json = BenchJson(report);
  EXPECT_THAT(json, HasSubstr("\"headrace_fetch_hedges_total{started}\":3"));
  EXPECT_THAT(json, HasSubstr("\"headrace_fetch_part_seconds\":{\"count\":1,\"mean\":0.03,"));
}

TEST(BenchReport, TellsRetriesByCauseOfTheRunAlone) {
  s3::S3Metrics store(s3::kS3Metrics);
  const auto retried = [&](s3::RetryCause cause, uint64_t count) {
    store.counter(s3::S3Metric::kRetries, static_cast<size_t>(cause)).Add(count);
  };
  retried(s3::RetryCause::kNoAnswer, 5);
  const MetricsSnapshot listed = store.Snapshot();
  retried(s3::RetryCause::kNoAnswer, 2);
  retried(s3::RetryCause::kThrottled, 3);
  store.counter(s3::S3Metric::kTries).Add(9);
  BenchReport report = SampleReport();
  AddCountsSince(listed, store.Snapshot(), report.result.engine);
  const std::string json = BenchJson(report);
  EXPECT_THAT(json, HasSubstr("\"headrace_s3_tries_total\":9"));
  EXPECT_THAT(json, HasSubstr("\"headrace_s3_retries_total{throttled}\":3"));
  EXPECT_THAT(json, HasSubstr("\"headrace_s3_retries_total{no_answer}\":2"));
  EXPECT_THAT(BenchTable(report), HasSubstr("throttled"));
}

TEST(BenchReport, JsonHoldsRatesAndSteps) {
  const std::string json = BenchJson(SampleReport());
  EXPECT_THAT(json, HasSubstr("\"samples_per_second\":10,"));
  EXPECT_THAT(json, HasSubstr("\"cpu_seconds_per_gib\":2,"));
  EXPECT_THAT(json, HasSubstr("\"steps\":{\"count\":25,"));
}

TEST(BenchReport, ThePageNeedsNothingElseAndNamesAreText) {
  const std::string page = BenchPage(SampleReport());
  EXPECT_THAT(page, HasSubstr("s3://b/&lt;script&gt;&amp;&quot;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, HasSubstr("Step times"));
}

TEST(BenchReport, ARunWithoutAnythingIsToldAllTheSame) {
  const BenchReport report{.source = "s3://b", .mode = "file"};
  EXPECT_THAT(BenchTable(report), HasSubstr("samples"));
  EXPECT_THAT(BenchJson(report), HasSubstr("\"bytes\":0"));
  EXPECT_THAT(BenchPage(report), HasSubstr("</html>"));
}

}  // namespace
}  // namespace headrace::cli
