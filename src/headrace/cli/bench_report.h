// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/metrics.h"
#include "headrace/cli/bench_run.h"

namespace headrace::cli {

// A bench as it is told.
struct BenchReport {
  std::string source;  // What was read, as the user wrote it.
  std::string mode;
  size_t loop_count = 1;  // Event loops: how many processors the engine can use.
  size_t batch_size = 0;
  std::chrono::nanoseconds listing{};
  BenchResult result;
  std::string digest;  // Empty: not asked for.
};

// Where the wall time went. The training loop's share is measured. What it waited is split by an
// estimate: our CPU is processor time over the event loops, as if it never overlapped with the
// network; the rest is the store's as far as requests waited for the first byte of their answers,
// and the network's.
struct BenchShares {
  double consumer_s = 0;
  double cpu_s = 0;
  double store_s = 0;
  double network_s = 0;
};
BenchShares SharesOf(const BenchReport& report);

double SecondsOf(std::chrono::nanoseconds span);

// Adds to the engine's counts what another part of the process has counted between two snapshots of
// one table of counters: what the listing cost, say, is no part of a run.
void AddCountsSince(const MetricsSnapshot& before, MetricsSnapshot after, MetricsSnapshot& engine);

// The three forms of a report. All are pure; the page needs nothing but itself.
std::string BenchTable(const BenchReport& report);
std::string BenchJson(const BenchReport& report);
std::string BenchPage(const BenchReport& report);

// Rows of a name and a value, as table and page show them.
struct BenchRow {
  std::string name;
  std::string value;
};
std::vector<BenchRow> BenchRows(const BenchReport& report);

}  // namespace headrace::cli
