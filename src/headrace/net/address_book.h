// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

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
  // All addresses of the endpoint, in the order to try them. Names are looked up off the loop and
  // kept for kLifetime; kUnavailable when the name does not resolve.
  Task<Result<TcpEndpoints>> Find(const HttpEndpoint& endpoint) HR_EXCLUDES(mutex_);
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
  };
  std::optional<TcpEndpoints> Cached(const HttpEndpoint& endpoint) HR_EXCLUDES(mutex_);

  Mutex mutex_;
  std::map<HttpEndpoint, Entry> entries_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::net
