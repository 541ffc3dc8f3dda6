// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/store/s3/credentials.h"
#include "headrace/store/s3/profile_files.h"

// Where credentials come from, decided without any I/O. The order is that of the AWS SDKs:
// environment, a profile's role, web identity, a profile's keys, its process, the container's
// endpoint, the instance's metadata service.
namespace headrace::s3 {

struct StaticStep {
  AccessKeys keys;
};
// credential_process: prints keys as JSON.
struct ProcessStep {
  std::string command;
};
// AssumeRoleWithWebIdentity with a token that somebody else keeps fresh in a file.
struct WebIdentityStep {
  std::string token_file;
  std::string role_arn;
  std::string session_name;
};
// The endpoint of ECS, EKS Pod Identity and others like them.
struct ContainerStep {
  std::string url;
  std::string authorization;       // Sent as Authorization; empty: none.
  std::string authorization_file;  // Read anew for each fetch; wins over the text.
};
// IMDSv2. The last resort: that it does not answer means that there are no credentials at all.
struct InstanceStep {
  std::string endpoint_url;
};
using BaseStep =
    std::variant<StaticStep, ProcessStep, WebIdentityStep, ContainerStep, InstanceStep>;

struct AssumeRoleStep {
  std::string role_arn;
  std::string session_name;
  std::string external_id;
  std::string duration_seconds;  // Empty: the role's own.
};

struct CredentialPlan {
  BaseStep base;
  std::string source;                 // For messages; no secret in it.
  std::vector<AssumeRoleStep> roles;  // Assumed in this order, each with the keys before.
};

// The longest a token of the metadata service may live.
inline constexpr std::string_view kInstanceTokenSeconds = "21600";
// Where the instance's metadata service is, as the environment says; nothing: it is not to be
// asked.
std::optional<std::string> InstanceEndpointUrl(const Environment& environment);

// `profile_is_explicit`: named by a flag, which makes the environment's keys not count.
// kPermissionDenied: nothing is configured; kInvalidArgument: what is configured is incomplete or
// goes in circles; kUnsupported: SSO, console login and MFA, with the way around.
Result<CredentialPlan> PlanCredentials(const std::string& profile, bool profile_is_explicit,
                                       const Environment& environment, const ProfileFiles& files);

}  // namespace headrace::s3
