// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/instance_notices.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/time_text.h"
#include "headrace/store/s3/credential_plan.h"

namespace headrace::s3 {
namespace {

constexpr size_t kReplyBytesMax = 16 * 1024;
// The service is one hop away or absent.
constexpr std::chrono::milliseconds kTimeout{1'000};

Result<std::optional<InstanceAction>> ReadAction(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto text_of = [&json](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (json.is_object()) {
    const std::optional<SystemTime> at = ParseIsoTime(text_of("time"));
    InstanceAction action{.action = text_of("action"), .at = at.value_or(SystemTime{})};
    if (at && !action.action.empty()) return action;
  }
  return Fail(ErrorCode::kCorrupt, "the instance's metadata service gives no readable action");
}

}  // namespace

Result<std::unique_ptr<InstanceNotices>> InstanceNotices::Make(const Environment& environment) {
  std::optional<std::string> url = InstanceEndpointUrl(environment);
  if (!url) return nullptr;
  while (url->ends_with('/')) url->pop_back();
  HR_TRY_ASSIGN(net::HttpEndpoint endpoint,
                While("the instance's metadata service", net::ParseHttpEndpoint(*url)));
  net::HttpClientOptions options;
  options.connect_timeout = kTimeout;
  options.idle_timeout = kTimeout;
  HR_TRY_ASSIGN(auto client, net::HttpClient::Make(std::move(options)));
  return std::unique_ptr<InstanceNotices>(
      new InstanceNotices(std::move(endpoint), std::move(client)));
}

net::HttpCall InstanceNotices::CallOf(std::string method, std::string target,
                                      const CallContext& context) const {
  net::HttpCall call;
  call.endpoint = endpoint_;
  call.method = std::move(method);
  call.target = std::move(target);
  call.deadline = context.deadline;
  call.stop = context.stop;
  return call;
}

Task<Result<std::optional<InstanceAction>>> InstanceNotices::Ask(const CallContext& context) {
  if (token_.empty()) {
    net::HttpCall token_call = CallOf("PUT", "/latest/api/token", context);
    token_call.sends_body = true;
    token_call.headers.Add("X-aws-ec2-metadata-token-ttl-seconds",
                           std::string(kInstanceTokenSeconds));
    HR_CO_TRY_ASSIGN(net::HttpAnswer answer, co_await client_->Send(token_call));
    HR_CO_TRY_ASSIGN(std::string token, co_await answer.ReadText(kReplyBytesMax));
    if (answer.status() != 200 || token.empty()) {
      co_return Fail(ErrorCode::kUnavailable, "the instance's metadata service gives no token");
    }
    token_ = std::move(token);
  }
  net::HttpCall call = CallOf("GET", "/latest/meta-data/spot/instance-action", context);
  call.headers.Add("X-aws-ec2-metadata-token", token_);
  HR_CO_TRY_ASSIGN(net::HttpAnswer answer, co_await client_->Send(call));
  HR_CO_TRY_ASSIGN(const std::string text, co_await answer.ReadText(kReplyBytesMax));
  if (answer.status() == 404) co_return std::nullopt;
  if (answer.status() == 200) co_return ReadAction(text);
  token_.clear();  // It may have run out.
  co_return Fail(ErrorCode::kUnavailable,
                 fmt::format("the instance's metadata service: HTTP status {}", answer.status()));
}

}  // namespace headrace::s3
