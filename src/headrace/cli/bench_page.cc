// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/cli/bench_report.h"

namespace headrace::cli {
namespace {

// Of a plot's drawing area, in SVG units.
constexpr double kWidth = 720;
constexpr double kHeight = 180;

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

struct Bar {
  double begin = 0;  // From 0 to 1 of the plot's width.
  double end = 0;
  double height = 0;  // From 0 to 1.
  std::string label;  // Shown under the pointer.
};

struct Plot {
  std::string title;
  std::string left;  // What the plot's left and right ends are.
  std::string right;
  std::string top;  // What its full height is.
  std::vector<Bar> bars;
};

std::string PlotSvg(const Plot& plot) {
  std::string svg = fmt::format("<h2>{}</h2>\n<svg viewBox=\"0 0 {} {}\" role=\"img\">\n",
                                EscapeHtml(plot.title), kWidth, kHeight + 20);
  for (const Bar& bar : plot.bars) {
    const double height = bar.height * kHeight;
    fmt::format_to(std::back_inserter(svg),
                   "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
                   "<title>{}</title></rect>\n",
                   bar.begin * kWidth, kHeight - height,
                   std::max((bar.end - bar.begin) * kWidth - 0.5, 0.5), height,
                   EscapeHtml(bar.label));
  }
  fmt::format_to(std::back_inserter(svg),
                 "<line x1=\"0\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/>\n"
                 "<text x=\"0\" y=\"{2}\">{3}</text>"
                 "<text x=\"{1}\" y=\"{2}\" text-anchor=\"end\">{4}</text>"
                 "<text x=\"{1}\" y=\"12\" text-anchor=\"end\">{5}</text>\n</svg>\n",
                 kHeight, kWidth, kHeight + 15, EscapeHtml(plot.left), EscapeHtml(plot.right),
                 EscapeHtml(plot.top));
  return svg;
}

Plot ThroughputPlot(const BenchReport& report) {
  const BenchTimeline& timeline = report.result.arrivals.timeline;
  const double bin_s = SecondsOf(timeline.bin_width());
  const auto used = static_cast<size_t>(report.result.wall / timeline.bin_width()) + 1;
  const size_t bins = std::min(used, BenchTimeline::kBins);
  const uint64_t peak = std::max<uint64_t>(*std::ranges::max_element(timeline.bytes()), 1);
  const auto rate_text = [bin_s](uint64_t bytes) {
    return SizeText(static_cast<uint64_t>(static_cast<double>(bytes) / bin_s)) + "/s";
  };
  Plot plot{.title = "Throughput over time",
            .left = "0 s",
            .right = fmt::format("{:.3g} s", bin_s * static_cast<double>(bins)),
            .top = rate_text(peak)};
  for (size_t bin = 0; bin < bins; ++bin) {
    const uint64_t bytes = timeline.bytes()[bin];
    plot.bars.push_back({.begin = static_cast<double>(bin) / static_cast<double>(bins),
                         .end = static_cast<double>(bin + 1) / static_cast<double>(bins),
                         .height = static_cast<double>(bytes) / static_cast<double>(peak),
                         .label = rate_text(bytes)});
  }
  return plot;
}

// Buckets are as wide as their share of the logarithm, so equal bars are equal factors of time.
Plot StepsPlot(const std::string& title, const HistogramCounts& steps) {
  const auto is_used = [](uint64_t count) { return count > 0; };
  const auto first = std::ranges::find_if(steps.buckets, is_used) - steps.buckets.begin();
  const auto last =
      steps.buckets.rend() - std::find_if(steps.buckets.rbegin(), steps.buckets.rend(), is_used);
  const uint64_t peak = std::max<uint64_t>(*std::ranges::max_element(steps.buckets), 1);
  const auto milliseconds = [](auto bucket) {
    return static_cast<double>(HistogramBucketBegin(static_cast<size_t>(bucket))) * 1e-6;
  };
  Plot plot{.title = title,
            .left = fmt::format("{:.3g} ms", milliseconds(first)),
            .right = fmt::format("{:.3g} ms (logarithmic)", milliseconds(last)),
            .top = fmt::format("{} steps", peak)};
  const auto span = static_cast<double>(std::max<std::ptrdiff_t>(last - first, 1));
  for (auto bucket = first; bucket < last; ++bucket) {
    const uint64_t count = steps.buckets[static_cast<size_t>(bucket)];
    plot.bars.push_back(
        {.begin = static_cast<double>(bucket - first) / span,
         .end = static_cast<double>(bucket - first + 1) / span,
         .height = static_cast<double>(count) / static_cast<double>(peak),
         .label = fmt::format("{} steps from {:.3g} ms", count, milliseconds(bucket))});
  }
  return plot;
}

Plot SharesPlot(const BenchReport& report) {
  const BenchShares shares = SharesOf(report);
  const double wall = std::max(SecondsOf(report.result.wall), 1e-9);
  Plot plot{.title = "Where the time went: step, our CPU, store, network",
            .left = "0 s",
            .right = fmt::format("{:.3g} s", wall),
            .top = ""};
  double begin = 0;
  const std::pair<const char*, double> pieces[] = {{"in the step", shares.consumer_s},
                                                   {"on our CPU", shares.cpu_s},
                                                   {"waiting for the store", shares.store_s},
                                                   {"on the network", shares.network_s}};
  double height = 1;
  for (const auto& [name, seconds] : pieces) {
    plot.bars.push_back({.begin = begin,
                         .end = begin + seconds / wall,
                         .height = height,
                         .label = fmt::format("{}: {:.3g} s", name, seconds)});
    begin += seconds / wall;
    height -= 0.2;
  }
  return plot;
}

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}h1{font-size:1.4em}h2{font-size:1.05em;margin:1.6em 0 .3em}"
    "table{border-collapse:collapse}td{padding:.15em 1.2em .15em 0;vertical-align:top;"
    "overflow-wrap:anywhere}svg{width:100%;height:auto}rect{fill:#2b6cb0}"
    "line{stroke:#999}text{font-size:12px;fill:#555}";

}  // namespace

std::string BenchPage(const BenchReport& report) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<title>headrace bench {0}</title><style>{1}</style></head>\n<body>\n"
      "<h1>headrace bench {0}, {2} mode</h1>\n<table>\n",
      EscapeHtml(report.source), kStyle, EscapeHtml(report.mode));
  for (const BenchRow& row : BenchRows(report)) {
    fmt::format_to(std::back_inserter(page), "<tr><td>{}</td><td>{}</td></tr>\n",
                   EscapeHtml(row.name), EscapeHtml(row.value));
  }
  page += "</table>\n";
  page += PlotSvg(ThroughputPlot(report));
  if (report.result.steps.count() > 0) {
    page += PlotSvg(StepsPlot("Step times", report.result.steps));
    page += PlotSvg(StepsPlot("The same steps on cached samples", report.result.cached_steps));
  }
  page += PlotSvg(SharesPlot(report));
  return page + "</body></html>\n";
}

}  // namespace headrace::cli
