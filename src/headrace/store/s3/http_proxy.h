// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/net/http_client.h"

namespace headrace::s3 {

struct ProxyChoice {
  std::optional<net::HttpEndpoint> proxy;  // Nothing: directly.
  std::string authorization;               // "Basic …" where the proxy's URL names a user.
};

// The proxy that http_proxy, https_proxy and no_proxy (or their upper-case forms; HTTP_PROXY not
// inside a CGI program, where a client could set it) name for this endpoint. no_proxy: hosts and
// domains, ".example.com" and "example.com" alike, with or without a port, or "*".
// kInvalidArgument: the proxy's URL cannot be used.
Result<ProxyChoice> ChooseProxy(const net::HttpEndpoint& endpoint, const Environment& environment);

}  // namespace headrace::s3
