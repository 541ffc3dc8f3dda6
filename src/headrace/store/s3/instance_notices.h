// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/net/http_client.h"
#include "headrace/store/object_store.h"

namespace headrace::s3 {

// That EC2 is about to take a spot instance away, as its metadata service says some two minutes
// ahead.
struct InstanceAction {
  std::string action;  // "terminate", "stop" or "hibernate"
  SystemTime at{};
};

// The metadata service of the instance this process runs on, where there is one.
// Threads: one call at a time. Lifetime: destroyed before the loops its calls ran on.
class InstanceNotices {
 public:
  // Where the environment says, as for credentials; null when it says that the service is not to be
  // asked. kInvalidArgument: an endpoint that is none. Nothing is sent.
  static Result<std::unique_ptr<InstanceNotices>> Make(const Environment& environment);

  // Nothing: no action is planned. One try; kUnavailable and kTimedOut where nobody answers,
  // kCorrupt for an answer that cannot be understood.
  Task<Result<std::optional<InstanceAction>>> Ask(const CallContext& context);

 private:
  InstanceNotices(net::HttpEndpoint endpoint, std::unique_ptr<net::HttpClient> client)
      : endpoint_(std::move(endpoint)), client_(std::move(client)) {}
  net::HttpCall CallOf(std::string method, std::string target, const CallContext& context) const;

  const net::HttpEndpoint endpoint_;
  std::unique_ptr<net::HttpClient> client_;
  std::string token_;  // Empty: to be asked for.
};

}  // namespace headrace::s3
