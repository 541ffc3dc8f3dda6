// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/task.h"
#include "headrace/net/connection.h"
#include "headrace/net/http_client.h"

namespace headrace::net {

// Resolves names and spreads connections: each answer starts one address further, so that sockets
// land on all addresses of an endpoint. Threads: all methods may be called at once from any loop.
class AddressBook {
 public:
  // Asks the system for the addresses of a name; may block for as long as it likes.
  using Resolve = std::function<Result<TcpEndpoints>(const HttpEndpoint& endpoint)>;

  AddressBook();
  explicit AddressBook(Resolve resolve) : resolve_(std::move(resolve)) {}

  // All addresses of the endpoint, in the order to try them. Names are looked up on a thread of
  // their own, once for all who ask meanwhile, and kept for kLifetime. kUnavailable when the name
  // does not resolve; kTimedOut and kCancelled as the call has it, whatever the resolver does.
  Task<Result<TcpEndpoints>> Find(const HttpEndpoint& endpoint, Deadline deadline,
                                  std::stop_token stop) HR_EXCLUDES(mutex_);
  // The next Find asks the resolver again: after a failed connection the old answer may be the
  // reason.
  void Forget(const HttpEndpoint& endpoint) HR_EXCLUDES(mutex_);

 private:
  // S3's addresses change within minutes and some go bad: a minute is what AWS advises at most.
  static constexpr std::chrono::seconds kLifetime{60};

  struct Entry {
    TcpEndpoints addresses;
    SteadyTime found_at{};
    size_t next = 0;

    // One address further each time.
    TcpEndpoints Rotated();
  };
  struct Lookup;
  std::optional<TcpEndpoints> Cached(const HttpEndpoint& endpoint) HR_EXCLUDES(mutex_);
  void Keep(const HttpEndpoint& endpoint, const TcpEndpoints& addresses) HR_EXCLUDES(mutex_);
  // What one of those who waited for the lookup gets; the first of them keeps it.
  TcpEndpoints KeepOnce(const HttpEndpoint& endpoint, Lookup& lookup, TcpEndpoints addresses)
      HR_EXCLUDES(mutex_);
  std::shared_ptr<Lookup> LookupOf(const HttpEndpoint& endpoint) HR_EXCLUDES(mutex_);

  const Resolve resolve_;

  Mutex mutex_;
  std::map<HttpEndpoint, Entry> entries_ HR_GUARDED_BY(mutex_);
  std::map<HttpEndpoint, std::weak_ptr<Lookup>> lookups_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::net
