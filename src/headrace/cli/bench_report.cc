// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/bench_report.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"

namespace headrace::cli {
namespace {

double PerSecond(double amount, std::chrono::nanoseconds wall) {
  return wall.count() > 0 ? amount / SecondsOf(wall) : 0;
}

double CpuPerGib(const BenchResult& result) {
  const double gib = static_cast<double>(result.arrivals.bytes) / (1ULL << 30U);
  return gib > 0 ? SecondsOf(result.use.cpu()) / gib : 0;
}

// "1.25 s", "3.40 ms", "12.0 us".
std::string SpanText(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.1f} us", seconds * 1e6);
}

double QuantileSeconds(const HistogramCounts& steps, double q) { return steps.Quantile(q) * 1e-9; }

std::string ShareText(double seconds, std::chrono::nanoseconds wall) {
  const double percent = wall.count() > 0 ? 100 * seconds / SecondsOf(wall) : 0;
  return fmt::format("{} ({:.0f} %)", SpanText(seconds), percent);
}

std::string Number(double value) { return fmt::format("{:.9g}", value); }

std::string StepsJson(const HistogramCounts& steps) {
  return JsonLine()
      .Add("count", steps.count())
      .AddRaw("p50_seconds", Number(QuantileSeconds(steps, 0.5)))
      .AddRaw("p99_seconds", Number(QuantileSeconds(steps, 0.99)))
      .Text();
}

double HistogramSum(const MetricsSnapshot& engine, std::string_view name) {
  for (const MetricFamily& family : engine) {
    if (family.spec.name != name) continue;
    double sum = 0;
    for (const MetricSample& sample : family.samples) {
      sum += static_cast<double>(sample.histogram.sum) * family.spec.scale;
    }
    return sum;
  }
  return 0;
}

// How much of the time of all requests was the wait for their first bytes.
double FirstByteShare(const MetricsSnapshot& engine) {
  const double total = HistogramSum(engine, "headrace_fetch_part_seconds");
  return total > 0 ? HistogramSum(engine, "headrace_fetch_first_byte_seconds") / total : 0;
}

// {"name{label}":value,"name":{"count":…,"mean":…,"p50":…,"p99":…,"p999":…}}
std::string EngineJson(const MetricsSnapshot& engine) {
  JsonLine line;
  for (const MetricFamily& family : engine) {
    for (const MetricSample& sample : family.samples) {
      std::string name(family.spec.name);
      if (!sample.label_values[0].empty()) name += fmt::format("{{{}}}", sample.label_values[0]);
      if (family.spec.type != MetricType::kHistogram) {
        line.AddRaw(name, Number(sample.value));
        continue;
      }
      const HistogramCounts& counts = sample.histogram;
      const auto scaled = [&](double value) { return Number(value * family.spec.scale); };
      const uint64_t count = counts.count();
      const double mean =
          count > 0 ? static_cast<double>(counts.sum) / static_cast<double>(count) : 0;
      line.AddRaw(name, JsonLine()
                            .Add("count", count)
                            .AddRaw("mean", scaled(mean))
                            .AddRaw("p50", scaled(counts.Quantile(0.5)))
                            .AddRaw("p99", scaled(counts.Quantile(0.99)))
                            .AddRaw("p999", scaled(counts.Quantile(0.999)))
                            .Text());
    }
  }
  return line.Text();
}

double ValueOf(const MetricsSnapshot& counts, std::string_view name, const MetricSample& like) {
  for (const MetricFamily& family : counts) {
    if (family.spec.name != name) continue;
    for (const MetricSample& sample : family.samples) {
      if (sample.label_values == like.label_values) return sample.value;
    }
  }
  return 0;
}

}  // namespace

void AddCountsSince(const MetricsSnapshot& before, MetricsSnapshot after, MetricsSnapshot& engine) {
  for (MetricFamily& family : after) {
    for (MetricSample& sample : family.samples) {
      sample.value -= ValueOf(before, family.spec.name, sample);
    }
    engine.push_back(std::move(family));
  }
}

double SecondsOf(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

BenchShares SharesOf(const BenchReport& report) {
  const double waited = SecondsOf(report.result.waited);
  BenchShares shares;
  shares.consumer_s = SecondsOf(report.result.wall) - waited;
  const auto loops = static_cast<double>(std::max<size_t>(report.loop_count, 1));
  shares.cpu_s = std::min(waited, SecondsOf(report.result.use.cpu()) / loops);
  const double rest = waited - shares.cpu_s;
  shares.store_s = rest * std::clamp(FirstByteShare(report.result.engine), 0.0, 1.0);
  shares.network_s = rest - shares.store_s;
  return shares;
}

std::vector<BenchRow> BenchRows(const BenchReport& report) {
  const BenchResult& result = report.result;
  const BenchArrivals& arrivals = result.arrivals;
  const auto bytes = static_cast<double>(arrivals.bytes);
  std::vector<BenchRow> rows{
      {"samples", fmt::format("{}, {}", arrivals.samples_done, SizeText(arrivals.bytes))},
      {"time", SpanText(SecondsOf(result.wall))},
      {"throughput", SizeText(static_cast<uint64_t>(PerSecond(bytes, result.wall))) + "/s"},
      {"samples/s",
       fmt::format("{:.0f}", PerSecond(static_cast<double>(arrivals.samples_done), result.wall))},
      {"first byte", SpanText(SecondsOf(arrivals.first_byte))},
      {"CPU per GiB", SpanText(CpuPerGib(result))},
      {"peak memory", SizeText(result.use.memory_bytes_peak)},
  };
  if (arrivals.samples_failed > 0) {
    rows.push_back({"samples failed", std::to_string(arrivals.samples_failed)});
  }
  if (report.listing.count() > 0) rows.push_back({"listing", SpanText(SecondsOf(report.listing))});
  if (result.steps.count() > 0) {
    const auto steps_text = [](const HistogramCounts& steps) {
      return fmt::format("p50 {}, p99 {}", SpanText(QuantileSeconds(steps, 0.5)),
                         SpanText(QuantileSeconds(steps, 0.99)));
    };
    rows.push_back({fmt::format("step of {}", report.batch_size), steps_text(result.steps)});
    rows.push_back({"the same, cached", steps_text(result.cached_steps)});
  }
  const BenchShares shares = SharesOf(report);
  rows.push_back({"time in the step", ShareText(shares.consumer_s, result.wall)});
  rows.push_back({"time on our CPU", ShareText(shares.cpu_s, result.wall)});
  rows.push_back({"time waiting for the store", ShareText(shares.store_s, result.wall)});
  rows.push_back({"time on the network", ShareText(shares.network_s, result.wall)});
  if (!report.digest.empty()) rows.push_back({"digest", report.digest});
  return rows;
}

std::string BenchTable(const BenchReport& report) {
  std::string text;
  for (const BenchRow& row : BenchRows(report)) {
    fmt::format_to(std::back_inserter(text), "{:<26} {}\n", row.name, row.value);
  }
  if (!report.result.engine.empty()) text += "\n" + DescribeMetrics(report.result.engine);
  return text;
}

std::string BenchJson(const BenchReport& report) {
  const BenchResult& result = report.result;
  const BenchArrivals& arrivals = result.arrivals;
  const BenchShares shares = SharesOf(report);
  JsonLine line;
  line.Add("source", report.source).Add("mode", report.mode);
  line.Add("samples", arrivals.samples_done).Add("samples_failed", arrivals.samples_failed);
  line.Add("bytes", arrivals.bytes).AddRaw("seconds", Number(SecondsOf(result.wall)));
  line.AddRaw("listing_seconds", Number(SecondsOf(report.listing)));
  line.AddRaw("bytes_per_second",
              Number(PerSecond(static_cast<double>(arrivals.bytes), result.wall)));
  line.AddRaw("samples_per_second",
              Number(PerSecond(static_cast<double>(arrivals.samples_done), result.wall)));
  line.AddRaw("first_byte_seconds", Number(SecondsOf(arrivals.first_byte)));
  line.AddRaw("cpu_user_seconds", Number(SecondsOf(result.use.user)));
  line.AddRaw("cpu_system_seconds", Number(SecondsOf(result.use.system)));
  line.AddRaw("cpu_seconds_per_gib", Number(CpuPerGib(result)));
  line.Add("peak_memory_bytes", result.use.memory_bytes_peak);
  if (result.steps.count() > 0) {
    line.Add("batch_size", uint64_t{report.batch_size});
    line.AddRaw("steps", StepsJson(result.steps));
    line.AddRaw("cached_steps", StepsJson(result.cached_steps));
  }
  line.AddRaw("time", JsonLine()
                          .AddRaw("consumer_seconds", Number(shares.consumer_s))
                          .AddRaw("cpu_seconds", Number(shares.cpu_s))
                          .AddRaw("store_seconds", Number(shares.store_s))
                          .AddRaw("network_seconds", Number(shares.network_s))
                          .Text());
  line.AddRaw("engine", EngineJson(result.engine));
  line.AddIfAny("digest", report.digest);
  return line.Text() + "\n";
}

}  // namespace headrace::cli
