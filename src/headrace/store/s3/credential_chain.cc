// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/credential_chain.h"

#include <utility>
#include <variant>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/process_output.h"
#include "headrace/base/random.h"
#include "headrace/base/wait.h"
#include "headrace/base/work_pool.h"
#include "headrace/net/http_client.h"
#include "headrace/store/s3/credential_plan.h"
#include "headrace/store/s3/credential_replies.h"
#include "headrace/store/s3/http_proxy.h"
#include "headrace/store/s3/retry.h"
#include "headrace/store/s3/s3_error.h"

namespace headrace::s3 {
namespace {

constexpr size_t kReplyBytesMax = 256 * 1024;
// The metadata service is one hop away or absent: waiting longer only delays the message that
// there are no credentials (the AWS SDKs wait 1 s as well).
constexpr std::chrono::milliseconds kNearbyTimeout{1'000};
constexpr std::chrono::milliseconds kContainerTimeout{2'000};
constexpr std::chrono::milliseconds kProcessTimeout{60'000};

struct Url {
  net::HttpEndpoint endpoint;
  std::string target;
};
Result<Url> ParseUrl(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  HR_TRY_ASSIGN(net::HttpEndpoint endpoint, net::ParseHttpEndpoint(url.substr(0, path)));
  return Url{.endpoint = std::move(endpoint),
             .target = path == std::string::npos ? "/" : url.substr(path)};
}

Result<std::string> ReadToken(const std::string& path) {
  HR_TRY_ASSIGN(std::string token, ReadSmallFile(path));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return token;
}

class ChainSource final : public CredentialSource {
 public:
  ChainSource(const S3Config& config, Environment environment, ProfileFiles files,
              const Clock& clock)
      : config_(config),
        environment_(std::move(environment)),
        files_(std::move(files)),
        clock_(clock) {}

  // Finds out where STS is and how to get there.
  Status Configure();
  Task<Result<Credentials>> Fetch(const CallContext& context) override;

 private:
  Task<Result<Credentials>> FetchBase(const CredentialPlan& plan, const CallContext& context);
  Task<Result<Credentials>> FromProcess(const ProcessStep& step, const std::string& source,
                                        const CallContext& context);
  Task<Result<Credentials>> FromWebIdentity(const WebIdentityStep& step, const std::string& source,
                                            const CallContext& context);
  Task<Result<Credentials>> FromContainer(const ContainerStep& step, const std::string& source,
                                          const CallContext& context);
  Task<Result<Credentials>> FromInstance(const InstanceStep& step, const std::string& source,
                                         const CallContext& context);
  // `keys` null: the call is not signed, as AssumeRoleWithWebIdentity is not.
  Task<Result<Credentials>> CallSts(const std::string& form, const AccessKeys* keys,
                                    const std::string& source, const CallContext& context);
  // Services near by are never reached through a proxy.
  Result<net::HttpClient*> ClientFor(bool is_near);
  // The body of a 200 answer; other answers are errors named after `source`. Tried again like any
  // request; `is_near`: on this machine or one hop away.
  Task<Result<std::string>> FetchText(net::HttpCall call, bool is_near, const std::string& source,
                                      const CallContext& context);
  Task<Result<std::string>> FetchTextOnce(const net::HttpCall& call, bool is_near,
                                          const std::string& source);

  const S3Config config_;
  const Environment environment_;
  const ProfileFiles files_;
  const Clock& clock_;
  Url sts_;
  ProxyChoice sts_proxy_;
  // Made when first used: most chains end at keys in the environment or a file.
  std::unique_ptr<net::HttpClient> near_client_;
  std::unique_ptr<net::HttpClient> sts_client_;
  SigningKeyCache signing_keys_;
  std::unique_ptr<WorkPool> process_thread_;  // Made when a process is first run.
};

Status ChainSource::Configure() {
  std::string url = ConfiguredEndpointUrl("sts", config_.profile, environment_, files_);
  if (url.empty()) {
    url = fmt::format("https://sts.{}.amazonaws.com{}", config_.region,
                      config_.region.starts_with("cn-") ? ".cn" : "");
  }
  HR_TRY_ASSIGN(sts_, ParseUrl(url));
  HR_TRY_ASSIGN(sts_proxy_, ChooseProxy(sts_.endpoint, environment_));
  return Ok();
}

Result<net::HttpClient*> ChainSource::ClientFor(bool is_near) {
  auto& client = is_near ? near_client_ : sts_client_;
  if (client) return client.get();
  net::HttpClientOptions options;
  options.ca_bundle = config_.ca_bundle;
  if (is_near) {
    options.connect_timeout = kNearbyTimeout;
    options.idle_timeout = kContainerTimeout;
  } else {
    options.verify_tls = config_.verify_tls;
    options.proxy = sts_proxy_.proxy;
    options.proxy_authorization = sts_proxy_.authorization;
  }
  HR_TRY_ASSIGN(client, net::HttpClient::Make(std::move(options)));
  return client.get();
}

Task<Result<Credentials>> ChainSource::Fetch(const CallContext& context) {
  HR_CO_TRY_ASSIGN(
      const CredentialPlan plan,
      PlanCredentials(config_.profile, config_.profile_is_explicit, environment_, files_));
  HR_CO_TRY_ASSIGN(Credentials credentials, co_await FetchBase(plan, context));
  for (const AssumeRoleStep& role : plan.roles) {
    const std::string form = AssumeRoleForm(role);
    const AccessKeys keys = credentials.keys;
    HR_CO_TRY_ASSIGN(credentials, co_await CallSts(form, &keys, plan.source, context));
  }
  co_return credentials;
}

Task<Result<Credentials>> ChainSource::FetchBase(const CredentialPlan& plan,
                                                 const CallContext& context) {
  if (const auto* const step = std::get_if<StaticStep>(&plan.base)) {
    Credentials credentials{.keys = step->keys, .expires = std::nullopt, .source = plan.source};
    co_return credentials;
  }
  if (const auto* const step = std::get_if<ProcessStep>(&plan.base)) {
    co_return co_await FromProcess(*step, plan.source, context);
  }
  if (const auto* const step = std::get_if<WebIdentityStep>(&plan.base)) {
    co_return co_await FromWebIdentity(*step, plan.source, context);
  }
  if (const auto* const step = std::get_if<ContainerStep>(&plan.base)) {
    co_return co_await FromContainer(*step, plan.source, context);
  }
  co_return co_await FromInstance(std::get<InstanceStep>(plan.base), plan.source, context);
}

Task<Result<Credentials>> ChainSource::FromProcess(const ProcessStep& step,
                                                   const std::string& source,
                                                   const CallContext& context) {
  HR_CO_TRY_ASSIGN(const auto words, SplitCommand(step.command));
  if (!process_thread_) process_thread_ = std::make_unique<WorkPool>(1);
  const Deadline own = Deadline::After(kProcessTimeout, std::chrono::steady_clock::now());
  const ProcessLimits call{.deadline = own.Earlier(context.deadline), .stop = context.stop};
  std::move_only_function<Result<std::string>()> run = [this, &words, &call] {
    return While("credential_process", ProcessOutput(words, environment_, call));
  };
  HR_CO_TRY_ASSIGN(const std::string output, co_await RunOn(*process_thread_, std::move(run)));
  co_return ReadProcessReply(output, source);
}

Task<Result<Credentials>> ChainSource::FromWebIdentity(const WebIdentityStep& step,
                                                       const std::string& source,
                                                       const CallContext& context) {
  auto token = ReadToken(step.token_file);
  if (!token) {
    co_return Fail(ErrorCode::kPermissionDenied,
                   fmt::format("{}: {}", source, token.error().message()));
  }
  const std::string form = WebIdentityForm(step, *token);
  co_return co_await CallSts(form, nullptr, source, context);
}

Task<Result<Credentials>> ChainSource::FromContainer(const ContainerStep& step,
                                                     const std::string& source,
                                                     const CallContext& context) {
  HR_CO_TRY_ASSIGN(Url url, While(source, ParseUrl(step.url)));
  net::HttpCall call;
  call.endpoint = url.endpoint;
  call.target = url.target;
  call.headers.Add("Accept", "application/json");
  std::string authorization = step.authorization;
  if (!step.authorization_file.empty()) {
    HR_CO_TRY_ASSIGN(authorization, While(source, ReadToken(step.authorization_file)));
  }
  if (!authorization.empty()) call.headers.Add("Authorization", authorization);
  HR_CO_TRY_ASSIGN(const std::string text,
                   co_await FetchText(std::move(call), true, source, context));
  co_return ReadEndpointReply(text, source);
}

Task<Result<Credentials>> ChainSource::FromInstance(const InstanceStep& step,
                                                    const std::string& source,
                                                    const CallContext& context) {
  HR_CO_TRY_ASSIGN(const Url url, While(source, ParseUrl(step.endpoint_url)));
  net::HttpCall token_call;
  token_call.endpoint = url.endpoint;
  token_call.method = "PUT";
  token_call.target = "/latest/api/token";
  token_call.sends_body = true;
  token_call.headers.Add("X-aws-ec2-metadata-token-ttl-seconds",
                         std::string(kInstanceTokenSeconds));
  token_call.deadline = context.deadline;
  token_call.stop = context.stop;
  // One try: on most machines outside EC2 nothing answers there, and that is the common case.
  auto token = co_await FetchTextOnce(token_call, true, source);
  if (!token) {
    if (token.error().code() == ErrorCode::kCancelled) {
      co_return std::unexpected(std::move(token).error());
    }
    co_return Fail(
        ErrorCode::kPermissionDenied,
        fmt::format("no credentials in the environment, in profile '{}' or from the instance's "
                    "metadata service ({}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name "
                    "a profile, or use --no-sign-request for public data",
                    config_.profile, token.error().message()));
  }
  net::HttpCall call;
  call.endpoint = url.endpoint;
  call.headers.Add("X-aws-ec2-metadata-token", *token);
  const std::string folder = "/latest/meta-data/iam/security-credentials/";
  call.target = folder;
  net::HttpCall name_call = call;
  HR_CO_TRY_ASSIGN(const std::string names,
                   co_await FetchText(std::move(name_call), true, source, context));
  const std::string role = names.substr(0, names.find('\n'));
  call.target = folder + UriEncode(role);
  HR_CO_TRY_ASSIGN(const std::string text,
                   co_await FetchText(std::move(call), true, source, context));
  co_return ReadEndpointReply(text, source);
}

Task<Result<Credentials>> ChainSource::CallSts(const std::string& form, const AccessKeys* keys,
                                               const std::string& source,
                                               const CallContext& context) {
  net::HttpCall call;
  call.endpoint = sts_.endpoint;
  call.method = "POST";
  call.target = sts_.target;
  call.body = AsBytes(form);
  call.sends_body = true;
  call.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  if (keys != nullptr) {
    const std::string host = net::HostHeader(sts_.endpoint);
    const std::string payload_hash = HexEncode(Sha256(form));
    const Signer signer{.keys = *keys,
                        .region = config_.region,
                        .time = clock_.WallNow(),
                        .cache = signing_keys_,
                        .service = "sts"};
    SignHeaders({.method = call.method,
                 .host = host,
                 .path = call.target,
                 .query = {},
                 .payload_hash = payload_hash},
                signer, call.headers);
  }
  HR_CO_TRY_ASSIGN(const std::string text,
                   co_await FetchText(std::move(call), false, source, context));
  co_return ReadStsReply(text, source);
}

Task<Result<std::string>> ChainSource::FetchText(net::HttpCall call, bool is_near,
                                                 const std::string& source,
                                                 const CallContext& context) {
  // Quicker than for data: whoever needs credentials cannot start without them.
  const RetryOptions retry{.attempt_count_max = 4, .unanswered_count_max = 3};
  Random random = Random::FromEntropy();
  call.deadline = context.deadline;
  call.stop = context.stop;
  for (uint32_t attempt_index = 0;; ++attempt_index) {
    auto text = co_await FetchTextOnce(call, is_near, source);
    if (text) co_return text;
    const FailedTry failed{.error = text.error(),
                           .attempt_index = attempt_index,
                           .retry_after = std::nullopt,
                           .deadline = context.deadline,
                           .now = clock_.Now()};
    const auto delay = DecideRetry(retry, failed, random.Unit());
    if (!delay) co_return text;
    if (!co_await SleepUnlessStopped(*delay, context.stop)) {
      co_return Fail(ErrorCode::kCancelled, source + ": cancelled");
    }
  }
}

Task<Result<std::string>> ChainSource::FetchTextOnce(const net::HttpCall& call, bool is_near,
                                                     const std::string& source) {
  HR_CO_TRY_ASSIGN(net::HttpClient * client, ClientFor(is_near));
  auto answer = co_await client->Send(call);
  if (!answer) co_return std::unexpected(std::move(answer).error().While(source));
  auto text = co_await answer->ReadText(kReplyBytesMax);
  if (!text) co_return std::unexpected(std::move(text).error().While(source));
  if (answer->status() == 200) co_return text;
  // Only what an <Error> document says is shown; another text may hold anything.
  const ErrorDocument document = ParseErrorDocument(*text);
  const int status = answer->status();
  const ErrorCode code = status == 429 || status == 503 ? ErrorCode::kThrottled
                         : status >= 500                ? ErrorCode::kUnavailable
                                                        : ErrorCode::kPermissionDenied;
  const std::string reason = document.code.empty()
                                 ? fmt::format("HTTP status {}", status)
                                 : fmt::format("{} ({})", document.message, document.code);
  co_return std::unexpected(Error(code, fmt::format("{}: {}", source, reason),
                                  Origin{.http_status = status, .s3_code = document.code}));
}

}  // namespace

Result<std::unique_ptr<CredentialSource>> MakeCredentialSource(const S3Config& config,
                                                               const Environment& environment,
                                                               ProfileFiles files,
                                                               const Clock& clock) {
  auto source = std::make_unique<ChainSource>(config, environment, std::move(files), clock);
  HR_TRY(source->Configure());
  return source;
}

}  // namespace headrace::s3
