// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "headrace/base/metrics.h"
#include "headrace/net/http_server.h"

namespace headrace::gateway {

// Answers GET /metrics (Prometheus' text) and GET /healthz ("ok") to whoever watches the server; it
// has a port of its own, which needs no signature and is never shaped.
// Threads: as HttpHandler; `snapshot` is called from any of the loops.
class MetricsHandler final : public net::HttpHandler {
 public:
  explicit MetricsHandler(std::function<MetricsSnapshot()> snapshot)
      : snapshot_(std::move(snapshot)) {}

  Task<void> Handle(net::HttpServerCall& call) override;

 private:
  const std::function<MetricsSnapshot()> snapshot_;
};

}  // namespace headrace::gateway
