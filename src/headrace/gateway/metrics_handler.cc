// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/metrics_handler.h"

#include <string>
#include <string_view>

#include "headrace/base/encoding.h"
#include "headrace/gateway/prometheus_text.h"

namespace headrace::gateway {

Task<void> MetricsHandler::Handle(net::HttpServerCall& call) {
  const std::string_view target = call.head().target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool reads = call.head().method == "GET" || call.head().method == "HEAD";
  net::HttpResponseHead head{.status = 200, .headers = {}};
  std::string body;
  if (!reads) {
    head.status = 405;
    head.headers.Add("Allow", "GET, HEAD");
  } else if (path == "/metrics") {
    head.headers.Add("Content-Type", kPrometheusMediaType);
    body = PrometheusText(snapshot_());
  } else {
    head.headers.Add("Content-Type", "text/plain; charset=utf-8");
    body = path == "/healthz" ? "ok\n" : "there are /metrics and /healthz here\n";
    if (path != "/healthz") head.status = 404;
  }
  (void)co_await call.Respond(head, AsBytes(body));
}

}  // namespace headrace::gateway
