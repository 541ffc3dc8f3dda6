// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_store.h"

#include <utility>

#include "headrace/base/encoding.h"
#include "headrace/store/s3/credential_chain.h"
#include "headrace/store/s3/http_proxy.h"
#include "headrace/store/s3/s3_store_parts.h"

namespace headrace::s3 {

QueryBuilder& QueryBuilder::Add(std::string_view name, std::string_view value) {
  if (!query_.empty()) query_.push_back('&');
  query_.append(name).append("=").append(UriEncode(value));
  return *this;
}

S3Store::S3Store(std::shared_ptr<Parts> parts, std::shared_ptr<S3Metrics> apart)
    : parts_(std::move(parts)), apart_(std::move(apart)) {}
S3Store::~S3Store() = default;

bool S3Store::is_over_tls() const { return parts_->is_tls; }

std::unique_ptr<S3Store> S3Store::CountedIn(std::shared_ptr<S3Metrics> metrics) const {
  return std::unique_ptr<S3Store>(new S3Store(parts_, std::move(metrics)));
}

Result<std::unique_ptr<S3Store>> OpenS3Store(const S3Settings& settings,
                                             const Environment& environment, const Clock& clock) {
  HR_TRY_ASSIGN(ProfileFiles files, ReadProfileFiles(environment));
  HR_TRY_ASSIGN(S3Config config, ResolveConfig(settings, environment, files));
  // The host decides about no_proxy; the bucket in front of it does not.
  const net::HttpEndpoint endpoint = AddressOf(config, config.region, "", "").endpoint;
  HR_TRY_ASSIGN(ProxyChoice proxy, ChooseProxy(endpoint, environment));
  config.is_proxied = proxy.proxy.has_value();

  net::HttpClientOptions options;
  options.ca_bundle = config.ca_bundle;
  options.verify_tls = config.verify_tls;
  if (settings.idle_timeout.count() > 0) options.idle_timeout = settings.idle_timeout;
  if (settings.connect_timeout.count() > 0) options.connect_timeout = settings.connect_timeout;
  options.proxy = proxy.proxy;
  options.proxy_authorization = proxy.authorization;
  auto parts = std::make_shared<S3Store::Parts>();
  parts->is_tls = endpoint.is_tls;
  HR_TRY_ASSIGN(parts->client, net::HttpClient::Make(std::move(options)));
  // Told before a transfer begins, not for each of its objects. A plain endpoint needs no bundle.
  if (endpoint.is_tls && !config.ca_bundle.empty()) HR_TRY(parts->client->LoadAuthorities());
  if (config.sign_requests) {
    HR_TRY_ASSIGN(auto source, MakeCredentialSource(config, environment, std::move(files), clock));
    parts->credentials = std::make_unique<CredentialCache>(std::move(source), clock);
  }
  const RetryOptions retry = config.retry;
  auto metrics = settings.metrics ? settings.metrics : std::make_shared<S3Metrics>(kS3Metrics);
  parts->runner =
      std::make_unique<RequestRunner>(std::move(config), retry, *parts->client,
                                      parts->credentials.get(), clock, std::move(metrics));
  return std::unique_ptr<S3Store>(new S3Store(std::move(parts), nullptr));
}

Task<Result<std::string>> S3Store::PresignGet(const std::string& bucket, const std::string& key,
                                              std::chrono::seconds lifetime,
                                              const CallContext& context) {
  constexpr std::chrono::seconds kLifetimeMax = std::chrono::days(7);
  if (lifetime < std::chrono::seconds(1) || lifetime > kLifetimeMax) {
    co_return Fail(ErrorCode::kInvalidArgument,
                   "a presigned URL is valid for 1 second to 7 days (604800 seconds)");
  }
  S3Request request{.verb = "presign", .bucket = bucket, .key = key};
  co_return co_await parts_->runner->Presign(request, lifetime, context);
}

}  // namespace headrace::s3
