// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/s3/credential_plan.h"
#include "headrace/store/s3/credentials.h"

// What credential services are asked and what they answer. Pure; no message holds a part of an
// answer, as it may be a secret.
namespace headrace::s3 {

// JSON of the container's endpoint and of the instance's metadata service. `source` becomes
// Credentials::source and names the service in errors (kPermissionDenied).
Result<Credentials> ReadEndpointReply(std::string_view json, const std::string& source);
// JSON that a credential_process prints.
Result<Credentials> ReadProcessReply(std::string_view json, const std::string& source);
// XML of AssumeRole and AssumeRoleWithWebIdentity.
Result<Credentials> ReadStsReply(std::string_view xml, const std::string& source);

// Form bodies for STS.
std::string AssumeRoleForm(const AssumeRoleStep& step);
std::string WebIdentityForm(const WebIdentityStep& step, std::string_view token);

// The words of a command line: blanks separate, quotes and backslashes keep them, nothing is
// expanded. kInvalidArgument: a quote without its end, or no words.
Result<std::vector<std::string>> SplitCommand(std::string_view command);

}  // namespace headrace::s3
