// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "headrace/base/metrics.h"
#include "headrace/gateway/shape.h"
#include "headrace/net/http_server.h"

namespace headrace::gateway {

struct RequestRecord;

// What `headrace serve` counts; each row is described in server_metrics.cc. Times are recorded in
// microseconds.
enum class ServerMetric : uint8_t {
  kRequests,        // By operation and status.
  kRequestSeconds,  // By operation.
  kFirstByteSeconds,
  kReceivedBytes,
  kSentBytes,
  kRequestsInFlight,
  kShaped,  // By fate.
  kConnections,
  kConnectionsAccepted,
  kConnectionsRefused,
  kLogLinesDropped,
};

// The numbers of one server. Threads: all methods may be called from any thread at once.
class ServerMetrics {
 public:
  ServerMetrics();

  void Begin() { in_flight_.Add(1); }
  void End(const RequestRecord& record);
  // Bytes that were no request.
  void NoteBadHead(int status);

  // `connections` and `log_lines_dropped` are counted elsewhere and looked up when asked for.
  MetricsSnapshot Snapshot(const net::HttpServerStats& connections,
                           uint64_t log_lines_dropped) const;

 private:
  Metrics<ServerMetric> metrics_;
  Gauge& in_flight_;
  Counter& received_bytes_;
  Counter& sent_bytes_;
  Histogram& first_byte_;
};

}  // namespace headrace::gateway
