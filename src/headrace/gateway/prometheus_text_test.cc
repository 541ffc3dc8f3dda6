// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/prometheus_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/gateway/request_record.h"
#include "headrace/gateway/server_metrics.h"

namespace headrace::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PrometheusText, ShowsWhatAServerCounted) {
  ServerMetrics metrics;
  metrics.Begin();
  metrics.Begin();
  RequestRecord record;
  record.route = &Routes().front();
  record.status = 200;
  record.sent_bytes = 1000;
  record.first_byte = std::chrono::microseconds(100);
  record.total = std::chrono::milliseconds(3);
  metrics.End(record);
  metrics.NoteBadHead(431);
  const std::string text = PrometheusText(metrics.Snapshot(
      {.connections_accepted = 5, .connections_open = 2, .connections_refused = 1}, 7));
  for (const std::string_view line : {
           "# HELP headrace_requests_total Requests by S3 operation and HTTP status.\n"
           "# TYPE headrace_requests_total counter\n",
           "headrace_requests_total{operation=\"ListBuckets\",status=\"200\"} 1\n",
           "headrace_requests_total{operation=\"none\",status=\"431\"} 1\n",
           "# TYPE headrace_request_seconds histogram\n",
           "headrace_request_seconds_count{operation=\"ListBuckets\"} 1\n",
           "headrace_request_seconds_bucket{operation=\"ListBuckets\",le=\"0.002048\"} 0\n",
           "headrace_request_seconds_bucket{operation=\"ListBuckets\",le=\"0.004096\"} 1\n",
           "headrace_request_seconds_bucket{operation=\"ListBuckets\",le=\"+Inf\"} 1\n",
           "headrace_first_byte_seconds_count 1\n",
           "headrace_sent_bytes_total 1000\n",
           "headrace_received_bytes_total 0\n",
           "headrace_requests_in_flight 1\n",
           "headrace_shaped_requests_total{fate=\"served\"} 1\n",
           "headrace_connections 2\n",
           "headrace_connections_accepted_total 5\n",
           "headrace_connections_refused_total 1\n",
           "headrace_access_log_dropped_lines_total 7\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("PutObject")));
}

}  // namespace
}  // namespace headrace::gateway
