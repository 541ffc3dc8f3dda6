// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/server_metrics.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "headrace/gateway/request_record.h"
#include "headrace/gateway/router.h"

namespace headrace::gateway {
namespace {

// The operations of the router's table, then the requests that reached none.
const std::vector<std::string_view>& OperationNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Route& route : Routes()) all.push_back(route.name);
    all.emplace_back("none");
    return all;
  }();
  return names;
}

size_t OperationIndex(const Route* route) {
  return route == nullptr ? Routes().size() : static_cast<size_t>(route - Routes().data());
}

// The statuses that answers have, in order; then a broken connection and whatever else there is.
constexpr std::array kStatuses = {200, 201, 204, 206, 301, 303, 304, 307, 400, 403, 404,
                                  405, 408, 409, 411, 412, 416, 431, 500, 501, 503, 507};
static_assert(std::ranges::is_sorted(kStatuses));
constexpr std::array<std::string_view, kStatuses.size() + 2> kStatusNames = {
    "200", "201", "204", "206", "301", "303", "304", "307", "400", "403", "404",    "405",
    "408", "409", "411", "412", "416", "431", "500", "501", "503", "507", "broken", "other"};

size_t StatusIndex(int status) {
  if (status == 0) return kStatuses.size();
  const auto found = std::ranges::lower_bound(kStatuses, status);
  if (found == kStatuses.end() || *found != status) return kStatuses.size() + 1;
  return static_cast<size_t>(found - kStatuses.begin());
}

constexpr std::array<std::string_view, 4> kFates = {"served", "error-503", "reset", "silent"};

std::span<const MetricSpec> Table() {
  static const MetricLabel operation{"operation", OperationNames()};
  static const std::array table = {
      MetricSpec{.name = "headrace_requests_total",
                 .help = "Requests by S3 operation and HTTP status.",
                 .unit = "",
                 .type = MetricType::kCounter,
                 .labels = {operation, MetricLabel{"status", kStatusNames}}},
      MetricSpec{.name = "headrace_request_seconds",
                 .help = "From a request's header to the end of its answer.",
                 .unit = "seconds",
                 .type = MetricType::kHistogram,
                 .labels = {operation, {}},
                 .scale = 1e-6},
      MetricSpec{.name = "headrace_first_byte_seconds",
                 .help = "From a request's header to the first byte of its answer.",
                 .unit = "seconds",
                 .type = MetricType::kHistogram,
                 .scale = 1e-6},
      MetricSpec{.name = "headrace_received_bytes_total",
                 .help = "Bytes of request bodies.",
                 .unit = "bytes",
                 .type = MetricType::kCounter},
      MetricSpec{.name = "headrace_sent_bytes_total",
                 .help = "Bytes of answers' bodies.",
                 .unit = "bytes",
                 .type = MetricType::kCounter},
      MetricSpec{.name = "headrace_requests_in_flight",
                 .help = "Requests that are not answered to the end yet.",
                 .unit = "",
                 .type = MetricType::kGauge},
      MetricSpec{.name = "headrace_shaped_requests_total",
                 .help = "Requests by the fate that --shape gave them.",
                 .unit = "",
                 .type = MetricType::kCounter,
                 .labels = {MetricLabel{"fate", kFates}, {}}},
      MetricSpec{.name = "headrace_connections",
                 .help = "Open connections.",
                 .unit = "",
                 .type = MetricType::kGauge},
      MetricSpec{.name = "headrace_connections_accepted_total",
                 .help = "Connections taken.",
                 .unit = "",
                 .type = MetricType::kCounter},
      MetricSpec{.name = "headrace_connections_refused_total",
                 .help = "Connections closed at once because there were too many.",
                 .unit = "",
                 .type = MetricType::kCounter},
      MetricSpec{.name = "headrace_access_log_dropped_lines_total",
                 .help = "Lines of the access log that were lost.",
                 .unit = "",
                 .type = MetricType::kCounter},
  };
  static_assert(table.size() == static_cast<size_t>(ServerMetric::kLogLinesDropped) + 1);
  return table;
}

void SetValue(MetricsSnapshot& snapshot, ServerMetric metric, uint64_t value) {
  snapshot[static_cast<size_t>(metric)].samples.at(0).value = static_cast<double>(value);
}

}  // namespace

ServerMetrics::ServerMetrics()
    : metrics_(Table()),
      in_flight_(metrics_.gauge(ServerMetric::kRequestsInFlight)),
      received_bytes_(metrics_.counter(ServerMetric::kReceivedBytes)),
      sent_bytes_(metrics_.counter(ServerMetric::kSentBytes)),
      first_byte_(metrics_.histogram(ServerMetric::kFirstByteSeconds)) {}

void ServerMetrics::End(const RequestRecord& record) {
  in_flight_.Add(-1);
  const size_t operation = OperationIndex(record.route);
  metrics_.counter(ServerMetric::kRequests, operation, StatusIndex(record.status)).Add();
  metrics_.histogram(ServerMetric::kRequestSeconds, operation).Record(Microseconds(record.total));
  if (record.status != 0) first_byte_.Record(Microseconds(record.first_byte));
  received_bytes_.Add(record.received_bytes);
  sent_bytes_.Add(record.sent_bytes);
  metrics_.counter(ServerMetric::kShaped, static_cast<size_t>(record.fate)).Add();
}

void ServerMetrics::NoteBadHead(int status) {
  metrics_.counter(ServerMetric::kRequests, OperationIndex(nullptr), StatusIndex(status)).Add();
}

MetricsSnapshot ServerMetrics::Snapshot(const net::HttpServerStats& connections,
                                        uint64_t log_lines_dropped) const {
  MetricsSnapshot snapshot = metrics_.Snapshot();
  SetValue(snapshot, ServerMetric::kConnections, connections.connections_open);
  SetValue(snapshot, ServerMetric::kConnectionsAccepted, connections.connections_accepted);
  SetValue(snapshot, ServerMetric::kConnectionsRefused, connections.connections_refused);
  SetValue(snapshot, ServerMetric::kLogLinesDropped, log_lines_dropped);
  return snapshot;
}

}  // namespace headrace::gateway
