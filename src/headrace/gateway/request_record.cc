// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/request_record.h"

#include <algorithm>

#include "headrace/base/json_line.h"
#include "headrace/base/time_text.h"
#include "headrace/store/s3/blank_secrets.h"

namespace headrace::gateway {
namespace {

std::string_view FateName(FateKind fate) {
  switch (fate) {
    case FateKind::kServed:
      return "";
    case FateKind::kError503:
      return "error-503";
    case FateKind::kReset:
      return "reset";
    case FateKind::kSilent:
      return "silent";
  }
  return "";
}

}  // namespace

uint64_t Microseconds(std::chrono::nanoseconds span) {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(span).count()));
}

void CompleteRecord(RequestRecord& record, const net::HttpServerCall& http, SteadyTime now) {
  record.status = http.status();
  record.received_bytes = http.received_bytes();
  record.sent_bytes = http.sent_bytes();
  record.total = now - http.began_at();
  if (http.has_responded()) record.first_byte = http.answered_at() - http.began_at();
}

std::string AccessLogLine(const RequestRecord& record, const net::HttpRequestHead& head,
                          std::string_view remote_address, SystemTime ended) {
  JsonLine line;
  line.Add("time", IsoTime(ended));
  line.Add("remote", remote_address);
  line.Add("request_id", record.request_id);
  line.AddIfAny("user", record.user);
  line.Add("operation", record.route != nullptr ? record.route->name : std::string_view("-"));
  line.AddIfAny("bucket", record.bucket);
  line.AddIfAny("key", record.key);
  line.Add("method", head.method);
  line.Add("target", s3::BlankSecrets(head.target));
  line.Add("status", static_cast<uint64_t>(record.status));
  line.AddIfAny("error", record.error_code);
  line.AddIfAny("shaped", FateName(record.fate));
  line.Add("received_bytes", record.received_bytes);
  line.Add("sent_bytes", record.sent_bytes);
  line.Add("first_byte_us", Microseconds(record.first_byte));
  line.Add("total_us", Microseconds(record.total));
  line.AddIfAny("user_agent", head.headers.Value("User-Agent"));
  return line.Text() + '\n';
}

}  // namespace headrace::gateway
