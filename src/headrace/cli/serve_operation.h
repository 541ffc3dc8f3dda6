// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/gateway/access_log.h"
#include "headrace/gateway/metrics_handler.h"
#include "headrace/gateway/server_metrics.h"
#include "headrace/gateway/shape.h"
#include "headrace/net/http_server.h"

namespace headrace::cli {

// What `headrace serve` was told about how it is run and watched.
struct OperationOptions {
  std::string shape;
  std::string metrics_listen;
  std::string access_log;
  net::HttpServerOptions limits;  // Their defaults and reasons stand there.
};

// `options` outlives the parsing of the command line.
void DeclareOperationOptions(CLI::App& app, OperationOptions& options);

// The metrics, the access log and the shape of a server: made before it, ended after it.
class ServeOperation {
 public:
  // Reads the shape, opens the log and makes room for the connections' descriptors.
  static Result<std::unique_ptr<ServeOperation>> Make(const OperationOptions& options);

  gateway::ServerMetrics& metrics() { return metrics_; }
  gateway::AccessLog* access_log() { return access_log_.get(); }  // Null: none is kept.
  const std::optional<gateway::Shape>& shape() const { return shape_; }
  // The limits, and the rate of the shape.
  const net::HttpServerOptions& server_options() const { return server_options_; }

  // What answers /metrics and /healthz.
  struct Watch {
    std::unique_ptr<gateway::MetricsHandler> handler;
    std::unique_ptr<net::HttpServer> server;
    std::string address;  // HOST:PORT; empty: nobody asked for it.
  };
  // Starts it about `server`. Loops, this and `server` outlive it.
  Result<Watch> StartWatch(EventLoops& loops, const net::HttpServer& server) const;
  // On SIGHUP.
  void Reload();

 private:
  explicit ServeOperation(const OperationOptions& options) : options_(options) {}

  const OperationOptions options_;
  gateway::ServerMetrics metrics_;
  std::unique_ptr<gateway::AccessLog> access_log_;
  std::optional<gateway::Shape> shape_;
  net::HttpServerOptions server_options_;
};

}  // namespace headrace::cli
