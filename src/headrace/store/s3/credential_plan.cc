// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/credential_plan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/net/http_client.h"

namespace headrace::s3 {
namespace {

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceEndpoint = "http://169.254.169.254";
constexpr std::string_view kInstanceEndpointIpv6 = "http://[fd00:ec2::254]";
constexpr std::string_view kDefaultSessionName = "headrace";

struct Surroundings {
  const Environment& environment;
  const ProfileFiles& files;
};

std::string NonEmpty(std::string_view value, std::string_view otherwise) {
  return std::string(value.empty() ? otherwise : value);
}

Result<std::optional<CredentialPlan>> FromEnvironment(const Surroundings& around) {
  const std::string_view id = around.environment.Get("AWS_ACCESS_KEY_ID");
  const std::string_view secret = around.environment.Get("AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty()) return std::optional<CredentialPlan>();
  if (id.empty() || secret.empty()) {
    return Fail(ErrorCode::kPermissionDenied,
                fmt::format("{} is set and {} is not; set both or neither",
                            id.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            id.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"));
  }
  const std::string token(around.environment.Get("AWS_SESSION_TOKEN"));
  StaticStep step{.keys = {.access_key_id = std::string(id),
                           .secret_access_key = std::string(secret),
                           .session_token = token}};
  return CredentialPlan{
      .base = std::move(step), .source = "environment (AWS_ACCESS_KEY_ID)", .roles = {}};
}

// http to another machine would show the keys to everyone on the way.
bool MayTalkPlainly(const net::HttpEndpoint& endpoint) {
  constexpr std::array<std::string_view, 7> kHosts = {
      "localhost",    "127.0.0.1",      "::1", "169.254.170.2", "169.254.170.23",
      "fd00:ec2::23", "0:0:0:0:0:0:0:1"};
  return endpoint.is_tls || net::IsLoopback(endpoint.host) ||
         std::find(kHosts.begin(), kHosts.end(), endpoint.host) != kHosts.end();
}

Result<std::optional<CredentialPlan>> FromContainer(const Surroundings& around) {
  const std::string relative(around.environment.Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"));
  const std::string full(around.environment.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  if (relative.empty() && full.empty()) return std::optional<CredentialPlan>();
  ContainerStep step;
  step.authorization_file = around.environment.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  step.authorization = around.environment.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!relative.empty()) {
    step.url = std::string(kContainerHost) + relative;
  } else {
    step.url = full;
    const size_t path =
        full.find('/', full.find("://") == std::string::npos ? 0 : full.find("://") + 3);
    HR_TRY_ASSIGN(
        const net::HttpEndpoint endpoint,
        While("AWS_CONTAINER_CREDENTIALS_FULL_URI", net::ParseHttpEndpoint(full.substr(0, path))));
    if (!MayTalkPlainly(endpoint)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI: '{}' is neither https nor on "
                              "this machine",
                              endpoint.host));
    }
  }
  return CredentialPlan{
      .base = std::move(step), .source = "the container's credentials endpoint", .roles = {}};
}

std::optional<CredentialPlan> FromInstance(const Surroundings& around) {
  std::optional<std::string> url = InstanceEndpointUrl(around.environment);
  if (!url) return std::nullopt;
  return CredentialPlan{.base = InstanceStep{.endpoint_url = *std::move(url)},
                        .source = "the instance's metadata service",
                        .roles = {}};
}

// What `credential_source` names.
Result<CredentialPlan> FromNamedSource(std::string_view name, const std::string& profile,
                                       const Surroundings& around) {
  std::optional<CredentialPlan> plan;
  if (name == "Environment") {
    HR_TRY_ASSIGN(plan, FromEnvironment(around));
  } else if (name == "EcsContainer") {
    HR_TRY_ASSIGN(plan, FromContainer(around));
  } else if (name == "Ec2InstanceMetadata") {
    plan = FromInstance(around);
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("profile '{}': credential_source '{}' is unknown; use Environment, "
                            "EcsContainer or Ec2InstanceMetadata",
                            profile, name));
  }
  if (plan) return std::move(*plan);
  return Fail(
      ErrorCode::kPermissionDenied,
      fmt::format("profile '{}': credential_source {} gives no credentials here", profile, name));
}

std::optional<CredentialPlan> FromWebIdentity(std::string_view token_file, std::string_view role,
                                              std::string_view session_name, std::string source) {
  if (token_file.empty() || role.empty()) return std::nullopt;
  WebIdentityStep step{.token_file = std::string(token_file),
                       .role_arn = std::string(role),
                       .session_name = NonEmpty(session_name, kDefaultSessionName)};
  return CredentialPlan{.base = std::move(step), .source = std::move(source), .roles = {}};
}

std::string ProfileSource(const std::string& profile, const ProfileFiles& files) {
  return fmt::format("profile '{}' ({}, {})", profile, files.config_path, files.credentials_path);
}

// Keys that stand in the profile itself, or that its process prints.
Result<std::optional<CredentialPlan>> FromProfileKeys(const std::string& profile,
                                                      const ProfileValues& values,
                                                      const Surroundings& around) {
  const std::string source = ProfileSource(profile, around.files);
  const std::string_view id = ValueOf(values, "aws_access_key_id");
  const std::string_view secret = ValueOf(values, "aws_secret_access_key");
  if (!id.empty() && !secret.empty()) {
    StaticStep step{.keys = {.access_key_id = std::string(id),
                             .secret_access_key = std::string(secret),
                             .session_token = std::string(ValueOf(values, "aws_session_token"))}};
    return CredentialPlan{.base = std::move(step), .source = source, .roles = {}};
  }
  if (!id.empty() || !secret.empty()) {
    return Fail(
        ErrorCode::kPermissionDenied,
        fmt::format("{} has only one of aws_access_key_id and aws_secret_access_key", source));
  }
  const std::string_view command = ValueOf(values, "credential_process");
  if (!command.empty()) {
    ProcessStep step{.command = std::string(command)};
    return CredentialPlan{
        .base = std::move(step), .source = "credential_process of " + source, .roles = {}};
  }
  for (const char* name : {"sso_session", "sso_start_url", "login_session"}) {
    if (ValueOf(values, name).empty()) continue;
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} signs in through a browser ({}), which is not supported; add "
                            "credential_process = aws configure export-credentials --profile {} "
                            "to another profile and name that one",
                            source, name, profile));
  }
  return std::optional<CredentialPlan>();
}

// A profile with its role, and the profiles it takes keys from.
Result<std::optional<CredentialPlan>> FromProfile(const std::string& profile,
                                                  const Surroundings& around,
                                                  std::set<std::string>& visited) {
  const ProfileValues* const values = around.files.Find(profile);
  if (values == nullptr) return std::optional<CredentialPlan>();
  const std::string role_arn(ValueOf(*values, "role_arn"));
  const std::string_view session_name = ValueOf(*values, "role_session_name");
  const std::string source_profile(ValueOf(*values, "source_profile"));
  const std::string_view credential_source = ValueOf(*values, "credential_source");
  const bool is_source_of_itself = source_profile == profile;
  // A profile that was reached again through its own role gives its keys.
  if (role_arn.empty() || visited.contains(profile)) {
    return FromProfileKeys(profile, *values, around);
  }
  if (auto plan = FromWebIdentity(ValueOf(*values, "web_identity_token_file"), role_arn,
                                  session_name, ProfileSource(profile, around.files))) {
    return plan;
  }
  if (!ValueOf(*values, "mfa_serial").empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("profile '{}' asks for an MFA code (mfa_serial), which is not "
                            "supported; put temporary keys into the environment instead",
                            profile));
  }
  if (source_profile.empty() == credential_source.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("profile '{}' has role_arn and {} source_profile and "
                            "credential_source; give exactly one",
                            profile, source_profile.empty() ? "neither" : "both"));
  }
  visited.insert(profile);
  std::optional<CredentialPlan> plan;
  if (!credential_source.empty()) {
    HR_TRY_ASSIGN(plan, FromNamedSource(credential_source, profile, around));
  } else {
    if (visited.contains(source_profile) && !is_source_of_itself) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("source_profile goes in circles through '{}'", source_profile));
    }
    HR_TRY_ASSIGN(plan, FromProfile(source_profile, around, visited));
  }
  if (!plan) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("source_profile '{}' of profile '{}' has no credentials",
                            source_profile, profile));
  }
  plan->roles.push_back({.role_arn = role_arn,
                         .session_name = NonEmpty(session_name, kDefaultSessionName),
                         .external_id = std::string(ValueOf(*values, "external_id")),
                         .duration_seconds = std::string(ValueOf(*values, "duration_seconds"))});
  plan->source = fmt::format("role {} by profile '{}', from {}", role_arn, profile, plan->source);
  return plan;
}

}  // namespace

std::optional<std::string> InstanceEndpointUrl(const Environment& environment) {
  if (EqualIgnoringCase(environment.Get("AWS_EC2_METADATA_DISABLED"), "true")) {
    return std::nullopt;
  }
  const bool is_ipv6 =
      EqualIgnoringCase(environment.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6");
  return NonEmpty(environment.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
                  is_ipv6 ? kInstanceEndpointIpv6 : kInstanceEndpoint);
}

Result<CredentialPlan> PlanCredentials(const std::string& profile, bool profile_is_explicit,
                                       const Environment& environment, const ProfileFiles& files) {
  const Surroundings around{.environment = environment, .files = files};
  std::optional<CredentialPlan> plan;
  if (!profile_is_explicit) {
    HR_TRY_ASSIGN(plan, FromEnvironment(around));
    if (plan) return std::move(*plan);
  }
  const ProfileValues* const values = files.Find(profile);
  const bool has_role = values != nullptr && !ValueOf(*values, "role_arn").empty();
  if (!profile_is_explicit && !has_role) {
    plan = FromWebIdentity(
        environment.Get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.Get("AWS_ROLE_ARN"),
        environment.Get("AWS_ROLE_SESSION_NAME"), "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)");
    if (plan) return std::move(*plan);
  }
  std::set<std::string> visited;
  HR_TRY_ASSIGN(plan, FromProfile(profile, around, visited));
  if (plan) return std::move(*plan);
  HR_TRY_ASSIGN(plan, FromContainer(around));
  if (plan) return std::move(*plan);
  plan = FromInstance(around);
  if (plan) return std::move(*plan);
  return Fail(ErrorCode::kPermissionDenied,
              fmt::format("no credentials in the environment or in profile '{}'; set "
                          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or use "
                          "--no-sign-request for public data",
                          profile));
}

}  // namespace headrace::s3
