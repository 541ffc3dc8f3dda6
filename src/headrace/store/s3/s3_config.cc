// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"

namespace headrace::s3 {
namespace {

std::string FirstOf(std::initializer_list<std::string_view> values) {
  for (const std::string_view value : values) {
    if (!value.empty()) return std::string(value);
  }
  return {};
}

// AWS_ENDPOINT_URL_STS for "sts".
std::string EndpointVariable(std::string_view service) {
  std::string name = "AWS_ENDPOINT_URL_";
  for (const char c : service) name.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return name;
}

bool IsTrue(std::string_view value) { return EqualIgnoringCase(value, "true"); }

Result<Addressing> ParseAddressing(std::string_view style) {
  if (style.empty() || style == "auto") return Addressing::kAuto;
  if (style == "path") return Addressing::kPath;
  if (style == "virtual") return Addressing::kVirtual;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("s3.addressing_style '{}' is unknown; use auto, path or virtual", style));
}

// A name that may stand as labels of a host: RFC 1123 in lower case, no address.
bool FitsIntoHost(std::string_view bucket) {
  if (bucket.size() < 3 || bucket.size() > 63) return false;
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || IsDigit(c); };
  if (!is_word(bucket.front()) || !is_word(bucket.back())) return false;
  if (bucket.find("..") != std::string_view::npos) return false;
  return std::all_of(bucket.begin(), bucket.end(),
                     [&](char c) { return is_word(c) || c == '-' || c == '.'; });
}

bool UsesVirtualHost(const S3Config& config, std::string_view bucket) {
  if (bucket.empty() || config.addressing == Addressing::kPath || !FitsIntoHost(bucket)) {
    return false;
  }
  if (config.addressing == Addressing::kVirtual) return true;
  if (config.has_custom_endpoint) return false;
  // A wildcard certificate covers one label: a bucket with dots fails TLS verification.
  return bucket.find('.') == std::string_view::npos;
}

net::HttpEndpoint RegionalEndpoint(std::string_view region) {
  const std::string_view domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return {.is_tls = true, .host = fmt::format("s3.{}.{}", region, domain), .port = 443};
}

// Tries of one request as the user counts them: of any kind, answered or not.
Status ApplyAttemptCount(std::string_view text, RetryOptions& retry) {
  if (text.empty()) return Ok();
  constexpr uint64_t kAttemptCountMax = 1'000;
  const auto count = ParseDecimal(text);
  if (!count || *count == 0 || *count > kAttemptCountMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("AWS_MAX_ATTEMPTS (max_attempts) '{}' is not a number from 1 to {}",
                            text, kAttemptCountMax));
  }
  retry.attempt_count_max = static_cast<uint32_t>(*count);
  retry.unanswered_count_max = static_cast<uint32_t>(*count);
  return Ok();
}

bool IsRegionName(std::string_view region) {
  return !region.empty() && region.size() <= 63 &&
         std::all_of(region.begin(), region.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-' || c == '_'; });
}

}  // namespace

std::string ConfiguredEndpointUrl(const std::string& service, const std::string& profile,
                                  const Environment& environment, const ProfileFiles& files) {
  const ProfileValues* const values = files.Find(profile);
  const std::string ignored =
      FirstOf({environment.Get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
               values ? ValueOf(*values, "ignore_configured_endpoint_urls") : std::string_view()});
  if (IsTrue(ignored)) return {};
  std::string_view of_service;
  std::string_view of_profile;
  if (values != nullptr) {
    of_profile = ValueOf(*values, "endpoint_url");
    const auto services = files.services.find(std::string(ValueOf(*values, "services")));
    if (services != files.services.end()) {
      of_service = ValueOf(services->second, service + ".endpoint_url");
    }
  }
  return FirstOf({environment.Get(EndpointVariable(service)), environment.Get("AWS_ENDPOINT_URL"),
                  of_service, of_profile});
}

Result<S3Config> ResolveConfig(const S3Settings& settings, const Environment& environment,
                               const ProfileFiles& files) {
  S3Config config;
  config.profile_is_explicit = !settings.profile.empty();
  const std::string named = FirstOf(
      {settings.profile, environment.Get("AWS_PROFILE"), environment.Get("AWS_DEFAULT_PROFILE")});
  config.profile = named.empty() ? "default" : named;
  static const ProfileValues kNoValues;
  const ProfileValues* values = files.Find(config.profile);
  if (values == nullptr && !named.empty() && named != "default") {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no profile '{}' in {} or {}; name another with --profile or "
                            "AWS_PROFILE",
                            named, files.config_path, files.credentials_path));
  }
  if (values == nullptr) values = &kNoValues;

  config.region =
      FirstOf({settings.region, environment.Get("AWS_REGION"),
               environment.Get("AWS_DEFAULT_REGION"), ValueOf(*values, "region"), "us-east-1"});
  if (!IsRegionName(config.region)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not the name of a region", config.region));
  }
  const std::string url = FirstOf(
      {settings.endpoint_url, ConfiguredEndpointUrl("s3", config.profile, environment, files)});
  if (!url.empty()) {
    config.has_custom_endpoint = true;
    HR_TRY_ASSIGN(config.endpoint, net::ParseHttpEndpoint(url));
  }
  HR_TRY_ASSIGN(config.addressing, ParseAddressing(ValueOf(*values, "s3.addressing_style")));
  config.ca_bundle = FirstOf({environment.Get("AWS_CA_BUNDLE"), ValueOf(*values, "ca_bundle")});
  config.retry = settings.retry;
  const std::string attempts =
      FirstOf({environment.Get("AWS_MAX_ATTEMPTS"), ValueOf(*values, "max_attempts")});
  HR_TRY(ApplyAttemptCount(attempts, config.retry));
  config.sign_requests = settings.sign_requests;
  config.verify_tls = settings.verify_tls;
  const std::string calculation = FirstOf({environment.Get("AWS_REQUEST_CHECKSUM_CALCULATION"),
                                           ValueOf(*values, "request_checksum_calculation")});
  config.sends_checksums = !EqualIgnoringCase(calculation, "when_required");
  const std::string validation = FirstOf({environment.Get("AWS_RESPONSE_CHECKSUM_VALIDATION"),
                                          ValueOf(*values, "response_checksum_validation")});
  config.verify_checksums =
      settings.verify_checksums && !EqualIgnoringCase(validation, "when_required");
  return config;
}

S3Address AddressOf(const S3Config& config, std::string_view region, std::string_view bucket,
                    std::string_view key) {
  S3Address address;
  address.endpoint = config.has_custom_endpoint ? config.endpoint : RegionalEndpoint(region);
  address.path = "/";
  if (UsesVirtualHost(config, bucket)) {
    address.endpoint.host = fmt::format("{}.{}", bucket, address.endpoint.host);
    address.path.append(UriEncodePath(key));
    return address;
  }
  address.path.append(UriEncodePath(bucket));
  if (!key.empty()) address.path.append("/").append(UriEncodePath(key));
  return address;
}

}  // namespace headrace::s3
