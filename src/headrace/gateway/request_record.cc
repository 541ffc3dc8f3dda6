// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/request_record.h"

#include <algorithm>
#include <array>

#include "headrace/base/encoding.h"
#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"

namespace headrace::gateway {
namespace {

// SigV4's and SigV2's parameters that let a reader of the log act as the signer.
constexpr std::array<std::string_view, 4> kSecretParameters = {
    "X-Amz-Signature", "X-Amz-Security-Token", "Signature", "X-Amz-S3session-Token"};

bool IsSecret(std::string_view name) {
  // An escaped letter must not carry a secret past us.
  const auto decoded = UriDecode(name, true);
  return std::ranges::any_of(kSecretParameters, [&](std::string_view secret) {
    return EqualIgnoringCase(decoded ? *decoded : name, secret);
  });
}

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

std::string BlankSecrets(std::string_view target) {
  const size_t question = target.find('?');
  if (question == std::string_view::npos) return std::string(target);
  std::string blanked(target.substr(0, question + 1));
  std::string_view query = target.substr(question + 1);
  while (true) {
    const size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    const size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && IsSecret(parameter.substr(0, equals))) {
      blanked.append(parameter.substr(0, equals)).append("=-");
    } else {
      blanked += parameter;
    }
    if (end == std::string_view::npos) return blanked;
    blanked += '&';
    query.remove_prefix(end + 1);
  }
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
  line.Add("target", BlankSecrets(head.target));
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
