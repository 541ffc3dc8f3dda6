// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/gateway/router.h"
#include "headrace/gateway/shape.h"
#include "headrace/net/http_server.h"

namespace headrace::gateway {

// What is kept of a request for the metrics and the access log, filled in on its way.
struct RequestRecord {
  std::string request_id;
  // Null: it was refused before anybody knew.
  const Route* route = nullptr;
  std::string bucket;
  std::string key;
  std::string user;  // The access key id; empty: nobody signed.
  std::string error_code;
  FateKind fate = FateKind::kServed;

  // From the connection, once it is answered. Status 0: it broke before anything was sent.
  int status = 0;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  std::chrono::nanoseconds first_byte{0};
  std::chrono::nanoseconds total{0};
};

// Takes what the connection knows.
void CompleteRecord(RequestRecord& record, const net::HttpServerCall& http, SteadyTime now);

// The access log's line, its end included. `head` is the request's; `ended` its end.
// Signatures and session tokens in the query are blanked.
std::string AccessLogLine(const RequestRecord& record, const net::HttpRequestHead& head,
                          std::string_view remote_address, SystemTime ended);

// Whole microseconds, as the log and the histograms have them; 0 for a negative span.
uint64_t Microseconds(std::chrono::nanoseconds span);

}  // namespace headrace::gateway
