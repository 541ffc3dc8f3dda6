// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "headrace/gateway/authenticator.h"
#include "headrace/net/http_server.h"
#include "headrace/store/serving_store.h"

namespace headrace::gateway {

struct GatewayOptions {
  AuthenticatorOptions authenticator;
  // Told to clients that ask for a bucket's region; requests may be signed for any.
  std::string region = "us-east-1";
  // BUCKET.DOMAIN in Host names a bucket; empty: path style alone.
  std::vector<std::string> domains = {"localhost"};
};

// Answers the S3 protocol over a store.
// Threads: as HttpHandler. Lifetime: store and clock outlive it.
class Gateway final : public net::HttpHandler {
 public:
  Gateway(ServingStore& store, GatewayOptions options, const Clock& clock);
  ~Gateway() override;

  Task<void> Handle(net::HttpServerCall& http) override;

 private:
  Task<void> Answer(net::HttpServerCall& http, const std::string& request_id);

  ServingStore& store_;
  const GatewayOptions options_;
  Authenticator authenticator_;
};

}  // namespace headrace::gateway
