// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/gateway/access_log.h"
#include "headrace/gateway/authenticator.h"
#include "headrace/gateway/server_metrics.h"
#include "headrace/gateway/shape.h"
#include "headrace/net/http_server.h"
#include "headrace/store/serving_store.h"

namespace headrace::gateway {

struct GatewayOptions {
  AuthenticatorOptions authenticator;
  // Told to clients that ask for a bucket's region; requests may be signed for any.
  std::string region = "us-east-1";
  // How clients reach the server, for the addresses that answers hold: "http" or "https".
  std::string scheme = "http";
  // BUCKET.DOMAIN in Host names a bucket; in lower case. Empty: path style alone.
  std::vector<std::string> domains = {"localhost"};
  // What each request meets; nothing: served as fast as it goes. Its rate is the HTTP server's to
  // keep (HttpServerOptions::connection_rate_bytes).
  std::optional<Shape> shape;
  // Null: nothing is counted, or logged. Both outlive the gateway.
  ServerMetrics* metrics = nullptr;
  AccessLog* access_log = nullptr;
};

// Answers the S3 protocol over a store.
// Threads: as HttpHandler. Lifetime: store and clock outlive it.
class Gateway final : public net::HttpHandler {
 public:
  Gateway(ServingStore& store, GatewayOptions options, const Clock& clock);
  ~Gateway() override;

  Task<void> Handle(net::HttpServerCall& http) override;
  net::HttpRefusal AnswerBadHead(const net::HttpBadHead& bad) override;

  // As Authenticator::ReplaceUsers. Threads: any.
  Status ReplaceUsers(Users users) { return authenticator_.ReplaceUsers(std::move(users)); }

 private:
  // Delays or breaks the request as the shape says. True: it is still to be answered.
  Task<bool> MeetFate(net::HttpServerCall& http, RequestRecord& record);
  Task<void> Answer(net::HttpServerCall& http, RequestRecord& record);
  Task<void> RespondError(net::HttpServerCall& http, RequestRecord& record,
                          const Error& error) const;
  void NoteEnd(const net::HttpServerCall& http, RequestRecord& record);

  ServingStore& store_;
  const GatewayOptions options_;
  const Clock& clock_;
  Authenticator authenticator_;
  std::atomic<uint64_t> request_count_ = 0;  // The next request's ordinal for its fate.
};

}  // namespace headrace::gateway
