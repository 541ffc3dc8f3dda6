// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/http_proxy.h"

#include <algorithm>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"

namespace headrace::s3 {
namespace {

bool EndsWithIgnoringCase(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && EqualIgnoringCase(text.substr(text.size() - end.size()), end);
}

bool MatchesNoProxyEntry(std::string_view entry, const net::HttpEndpoint& endpoint) {
  if (entry == "*") return true;
  std::string_view host = entry;
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view port = host.substr(close + 1);
    if (!port.empty() && port.substr(1) != std::to_string(endpoint.port)) return false;
    host = host.substr(1, close - 1);
  } else if (std::count(host.begin(), host.end(), ':') == 1) {
    const size_t colon = host.find(':');
    if (host.substr(colon + 1) != std::to_string(endpoint.port)) return false;
    host = host.substr(0, colon);
  }
  if (host.starts_with("*.")) host.remove_prefix(1);
  if (host.starts_with('.')) host.remove_prefix(1);
  if (host.empty()) return false;
  if (EqualIgnoringCase(endpoint.host, host)) return true;
  return EndsWithIgnoringCase(endpoint.host, "." + std::string(host));
}

bool IsExempt(std::string_view no_proxy, const net::HttpEndpoint& endpoint) {
  while (!no_proxy.empty()) {
    const std::string_view entry = no_proxy.substr(0, no_proxy.find(','));
    no_proxy.remove_prefix(std::min(no_proxy.size(), entry.size() + 1));
    if (MatchesNoProxyEntry(Trim(entry), endpoint)) return true;
  }
  return false;
}

std::string_view FirstSet(const Environment& environment, const std::string& lower,
                          const std::string& upper) {
  const std::string_view value = environment.Get(lower);
  return value.empty() ? environment.Get(upper) : value;
}

}  // namespace

Result<ProxyChoice> ChooseProxy(const net::HttpEndpoint& endpoint, const Environment& environment) {
  const bool is_cgi = !environment.Get("REQUEST_METHOD").empty();
  const std::string_view url =
      endpoint.is_tls ? FirstSet(environment, "https_proxy", "HTTPS_PROXY")
                      : FirstSet(environment, "http_proxy", is_cgi ? "" : "HTTP_PROXY");
  ProxyChoice choice;
  if (url.empty() || IsExempt(FirstSet(environment, "no_proxy", "NO_PROXY"), endpoint)) {
    return choice;
  }
  std::string address(url);
  if (address.find("://") == std::string::npos) address.insert(0, "http://");
  const size_t host_begin = address.find("://") + 3;
  // The last '@' before the path: a password may hold one.
  const size_t at = address.substr(0, address.find('/', host_begin)).rfind('@');
  if (at != std::string::npos) {
    const auto user = UriDecode(address.substr(host_begin, at - host_begin));
    if (!user) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the proxy's user name or password is not percent-encoded correctly; correct "
                  "http_proxy or https_proxy");
    }
    choice.authorization = "Basic " + Base64Encode(AsBytes(*user));
    address.erase(host_begin, at + 1 - host_begin);
  }
  HR_TRY_ASSIGN(choice.proxy, While("proxy from the environment", net::ParseHttpEndpoint(address)));
  return choice;
}

}  // namespace headrace::s3
