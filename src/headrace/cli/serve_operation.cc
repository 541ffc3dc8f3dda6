// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/serve_operation.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "headrace/base/log.h"
#include "headrace/cli/open_files.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/serve_options.h"

namespace headrace::cli {
namespace {

// A day: beyond it, a limit is none.
constexpr uint64_t kSecondsMax = 86'400;
// Descriptors for everything that is no connection: objects being read and written (few requests of
// many connections run at once), the database, the log.
constexpr uint64_t kOtherDescriptors = 2048;

void DeclareSeconds(CLI::App& app, const std::string& name, std::chrono::seconds& value,
                    const std::string& help) {
  app.add_option_function<int64_t>(
         name, [&value](const int64_t& seconds) { value = std::chrono::seconds(seconds); }, help)
      ->type_name("SECONDS")
      ->transform(WholeNumberFrom(1, kSecondsMax))
      ->default_str(std::to_string(value.count()));
}

// Gives how many connections fit.
size_t MakeRoomForDescriptors(size_t connections) {
  const uint64_t wanted = connections + kOtherDescriptors;
  const uint64_t allowed = RaiseOpenFilesMax(wanted);
  if (allowed >= wanted) return connections;
  // With little to give, half of it.
  const size_t room = std::max(allowed / 2, allowed - std::min(allowed, kOtherDescriptors));
  const bool was_asked_for = connections != net::HttpServerOptions().connections_max;
  Log(was_asked_for ? LogLevel::kWarning : LogLevel::kInfo,
      "this process may open {} files: {} connections instead of {} are served at once (raise "
      "`ulimit -n`)",
      allowed, room, connections);
  return room;
}

}  // namespace

void DeclareOperationOptions(CLI::App& app, OperationOptions& options) {
  net::HttpServerOptions& limits = options.limits;
  app.add_option("--shape", options.shape,
                 "Behave like a distant, busy store: first-byte=30ms,jitter=lognormal:0.5,"
                 "per-connection=90MB/s,error-503=0.5%,reset=0.1%,silent=0.3%:2s,seed=1")
      ->type_name("SETTINGS");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "HOST:PORT for /metrics (Prometheus) and /healthz, open to whoever reaches it")
      ->type_name("HOST:PORT");
  app.add_option("--access-log", options.access_log,
                 "One line of JSON for each request, to this file or '-' (standard output); opened "
                 "anew on SIGHUP")
      ->type_name("FILE");
  app.add_option("--max-connections", limits.connections_max,
                 "Connections above this are closed at once")
      ->type_name("COUNT")
      ->transform(WholeNumberFrom(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-header-bytes", limits.head_bytes_max, "A longer request header is refused")
      ->type_name("BYTES")
      ->transform(WholeNumberFrom(1024, net::kHeadBytesMax))
      ->capture_default_str();
  DeclareSeconds(app, "--idle-timeout", limits.idle_timeout,
                 "A connection without a request for this long is closed");
  DeclareSeconds(app, "--header-timeout", limits.head_timeout,
                 "A request's header must be here after this long");
  DeclareSeconds(app, "--body-timeout", limits.body_timeout,
                 "A request's body must keep --body-min-rate over this long");
  app.add_option("--body-min-rate", limits.body_rate_min_bytes,
                 "Bytes a second that a request's body must bring")
      ->type_name("BYTES")
      ->transform(WholeNumberFrom(1, 1'000'000'000))
      ->capture_default_str();
  DeclareSeconds(app, "--send-timeout", limits.send_timeout,
                 "A connection whose client reads nothing of its answer for this long is closed");
  DeclareSeconds(app, "--grace", limits.drain_timeout,
                 "How long running requests may go on after SIGTERM; a second signal ends at once");
}

Result<std::unique_ptr<ServeOperation>> ServeOperation::Make(const OperationOptions& options) {
  std::unique_ptr<ServeOperation> operation(new ServeOperation(options));
  operation->server_options_ = options.limits;
  if (!options.shape.empty()) {
    HR_TRY_ASSIGN(operation->shape_, gateway::ParseShape(options.shape));
    operation->server_options_.connection_rate_bytes = operation->shape_->per_connection_bytes;
  }
  if (!options.access_log.empty()) {
    HR_TRY_ASSIGN(operation->access_log_, gateway::AccessLog::Open(options.access_log));
  }
  operation->server_options_.connections_max =
      MakeRoomForDescriptors(options.limits.connections_max);
  return operation;
}

Result<ServeOperation::Watch> ServeOperation::StartWatch(EventLoops& loops,
                                                         const net::HttpServer& server) const {
  Watch watch;
  if (options_.metrics_listen.empty()) return watch;
  HR_TRY_ASSIGN(const ListenAddress address,
                ParseListen("--metrics-listen", options_.metrics_listen));
  watch.handler = std::make_unique<gateway::MetricsHandler>([this, &server] {
    return metrics_.Snapshot(server.stats(), access_log_ ? access_log_->dropped_lines() : 0);
  });
  net::HttpServerOptions watch_options;
  watch_options.host = address.host;
  watch_options.port = address.port;
  // Scrapers and probes, not clients.
  watch_options.connections_max = 64;
  watch_options.drain_timeout = std::chrono::seconds(1);
  HR_TRY_ASSIGN(watch.server, net::HttpServer::Start(loops, *watch.handler, watch_options));
  watch.address = address.UrlText(watch.server->port());
  return watch;
}

void ServeOperation::Reload() {
  if (!access_log_) return;
  const Status reopened = access_log_->Reopen();
  if (!reopened) {
    Log(LogLevel::kError, "{}; the old file stays in use", reopened.error().message());
  }
}

}  // namespace headrace::cli
