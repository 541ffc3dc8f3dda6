// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/base/uri_text.h"
#include "headrace/net/http_client.h"

namespace headrace::net {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

std::unexpected<Error> BadEndpoint(std::string_view url, std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("endpoint '{}': {}; write it as http://host:port or https://host",
                          BlankUser(url), why));
}

}  // namespace

bool IsLoopback(const std::string& host) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  return not_an_address ? host == "localhost" : address.is_loopback();
}

Result<HttpEndpoint> ParseHttpEndpoint(std::string_view url) {
  HttpEndpoint endpoint;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    endpoint.is_tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return BadEndpoint(url, "it has no http:// or https:// in front");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) {
    return BadEndpoint(url, "a path, query or user name has no place in it");
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) return BadEndpoint(url, "the address has no closing ]");
    endpoint.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') return BadEndpoint(url, "malformed address");
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return BadEndpoint(url, "the port is missing");
  } else {
    const size_t colon = rest.find(':');
    endpoint.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = rest.substr(colon + 1);
      if (port.empty()) return BadEndpoint(url, "the port is missing");
    }
  }
  if (endpoint.host.empty()) return BadEndpoint(url, "the host is missing");
  endpoint.port = endpoint.is_tls ? kHttpsPort : kHttpPort;
  if (!port.empty()) {
    const auto number = ParseDecimal(port);
    if (!number || *number == 0 || *number > 65535) return BadEndpoint(url, "the port is no port");
    endpoint.port = static_cast<uint16_t>(*number);
  }
  return endpoint;
}

std::string HostText(const HttpEndpoint& endpoint) {
  const bool is_v6 = endpoint.host.contains(':');
  return is_v6 ? "[" + endpoint.host + "]" : endpoint.host;
}

std::string HostHeader(const HttpEndpoint& endpoint) {
  const uint16_t own_port = endpoint.is_tls ? kHttpsPort : kHttpPort;
  std::string host = HostText(endpoint);
  if (endpoint.port != own_port) host.append(":").append(std::to_string(endpoint.port));
  return host;
}

}  // namespace headrace::net
