// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/address_book.h"

#include <algorithm>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace headrace::net {

std::optional<TcpEndpoints> AddressBook::Cached(const HttpEndpoint& endpoint) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(endpoint);
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  if (std::chrono::steady_clock::now() - entry.found_at > kLifetime) {
    entries_.erase(found);
    return std::nullopt;
  }
  TcpEndpoints rotated = entry.addresses;
  const auto start = static_cast<TcpEndpoints::difference_type>(entry.next++ % rotated.size());
  std::rotate(rotated.begin(), rotated.begin() + start, rotated.end());
  return rotated;
}

Task<Result<TcpEndpoints>> AddressBook::Find(const HttpEndpoint& endpoint) {
  if (auto cached = Cached(endpoint)) co_return std::move(*cached);
  TcpEndpoints addresses;
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(endpoint.host, error);
  if (!error) {
    addresses.emplace_back(literal, endpoint.port);
  } else {
    error.clear();
    const Executor executor = co_await ThisExecutor();
    asio::ip::tcp::resolver resolver(executor);
    const std::string port = std::to_string(endpoint.port);
    const auto found = co_await resolver.async_resolve(
        endpoint.host, port, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      co_return Fail(
          ErrorCode::kUnavailable,
          fmt::format("look up {}: {}; check the endpoint's name", endpoint.host, error.message()));
    }
    for (const auto& entry : found) addresses.push_back(entry.endpoint());
  }
  {
    const MutexLock lock(mutex_);
    entries_[endpoint] =
        Entry{.addresses = addresses, .found_at = std::chrono::steady_clock::now(), .next = 1};
  }
  co_return addresses;
}

void AddressBook::Forget(const HttpEndpoint& endpoint) {
  const MutexLock lock(mutex_);
  entries_.erase(endpoint);
}

}  // namespace headrace::net
