// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/address_book.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "headrace/base/wait.h"

namespace headrace::net {
namespace {

// Resolvers give up by themselves after some tens of seconds; this is for one that does not.
constexpr std::chrono::seconds kLookupTimeMax{60};

Result<TcpEndpoints> AskSystem(const HttpEndpoint& endpoint) {
  addrinfo hints{};
  hints.ai_flags = AI_ADDRCONFIG;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* answer = nullptr;
  const int failure = getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &answer);
  if (failure != 0) {
    return Fail(ErrorCode::kUnavailable, fmt::format("look up {}: {}; check the endpoint's name",
                                                     endpoint.host, gai_strerror(failure)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(answer, freeaddrinfo);
  TcpEndpoints addresses;
  for (const addrinfo* entry = answer; entry != nullptr; entry = entry->ai_next) {
    asio::ip::tcp::endpoint address;
    if (entry->ai_addrlen > address.capacity()) continue;
    std::memcpy(address.data(), entry->ai_addr, entry->ai_addrlen);
    address.resize(entry->ai_addrlen);
    address.port(endpoint.port);
    addresses.push_back(address);
  }
  if (addresses.empty()) {
    return Fail(ErrorCode::kUnavailable, fmt::format("look up {}: no address", endpoint.host));
  }
  return addresses;
}

}  // namespace

struct AddressBook::Lookup {
  OneShotEvent ended;
  Mutex mutex;
  Result<TcpEndpoints> found HR_GUARDED_BY(mutex);
  bool is_kept = false;  // Guarded by the book's lock.

  Result<TcpEndpoints> Found() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    return found;
  }
};

AddressBook::AddressBook() : AddressBook(AskSystem) {}

TcpEndpoints AddressBook::Entry::Rotated() {
  TcpEndpoints rotated = addresses;
  const auto start = static_cast<TcpEndpoints::difference_type>(next++ % rotated.size());
  std::rotate(rotated.begin(), rotated.begin() + start, rotated.end());
  return rotated;
}

std::optional<TcpEndpoints> AddressBook::Cached(const HttpEndpoint& endpoint) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(endpoint);
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  if (std::chrono::steady_clock::now() - entry.found_at > kLifetime) {
    entries_.erase(found);
    return std::nullopt;
  }
  return entry.Rotated();
}

void AddressBook::Keep(const HttpEndpoint& endpoint, const TcpEndpoints& addresses) {
  const MutexLock lock(mutex_);
  entries_[endpoint] = Entry{.addresses = addresses, .found_at = std::chrono::steady_clock::now()};
}

TcpEndpoints AddressBook::KeepOnce(const HttpEndpoint& endpoint, Lookup& lookup,
                                   TcpEndpoints addresses) {
  const MutexLock lock(mutex_);
  if (!std::exchange(lookup.is_kept, true)) {
    Entry& entry = entries_[endpoint];
    entry = {.addresses = std::move(addresses), .found_at = std::chrono::steady_clock::now()};
    return entry.Rotated();
  }
  const auto kept = entries_.find(endpoint);
  // Forgotten meanwhile: what was found is still the best there is.
  return kept == entries_.end() ? std::move(addresses) : kept->second.Rotated();
}

std::shared_ptr<AddressBook::Lookup> AddressBook::LookupOf(const HttpEndpoint& endpoint) {
  std::shared_ptr<Lookup> lookup;
  {
    const MutexLock lock(mutex_);
    std::weak_ptr<Lookup>& known = lookups_[endpoint];
    lookup = known.lock();
    if (lookup) return lookup;
    lookup = std::make_shared<Lookup>();
    known = lookup;
  }
  // Nobody waits for a resolver that hangs: the thread shares nothing but the lookup.
  std::thread([lookup, endpoint, resolve = resolve_] {
    Result<TcpEndpoints> found = resolve(endpoint);
    {
      const MutexLock lock(lookup->mutex);
      lookup->found = std::move(found);
    }
    lookup->ended.Fire();
  }).detach();
  return lookup;
}

Task<Result<TcpEndpoints>> AddressBook::Find(const HttpEndpoint& endpoint, Deadline deadline,
                                             std::stop_token stop) {
  if (auto cached = Cached(endpoint)) co_return std::move(*cached);
  boost::system::error_code not_an_address;
  const auto literal = asio::ip::make_address(endpoint.host, not_an_address);
  if (!not_an_address) {
    const TcpEndpoints one{{literal, endpoint.port}};
    Keep(endpoint, one);
    co_return one;
  }
  const std::shared_ptr<Lookup> lookup = LookupOf(endpoint);
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto span = std::min<SteadyTime::duration>(
      deadline.at() ? *deadline.at() - now : SteadyTime::duration(kLookupTimeMax), kLookupTimeMax);
  if (!co_await lookup->ended.Wait(span, stop)) {
    if (stop.stop_requested()) {
      co_return Fail(ErrorCode::kCancelled, fmt::format("look up {}: cancelled", endpoint.host));
    }
    co_return Fail(ErrorCode::kTimedOut,
                   fmt::format("look up {}: no answer in time", endpoint.host));
  }
  Result<TcpEndpoints> found = lookup->Found();
  if (!found) co_return found;
  co_return KeepOnce(endpoint, *lookup, std::move(*found));
}

void AddressBook::Forget(const HttpEndpoint& endpoint) {
  const MutexLock lock(mutex_);
  entries_.erase(endpoint);
}

}  // namespace headrace::net
