// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/store/s3/credentials.h"
#include "headrace/store/s3/profile_files.h"
#include "headrace/store/s3/s3_config.h"

namespace headrace::s3 {

// A source that carries out PlanCredentials anew for each fetch. Nothing is read or sent before the
// first. `clock` outlives it. kInvalidArgument: an endpoint or proxy for the credential services
// that cannot be used. That there are no credentials shows at the first fetch.
Result<std::unique_ptr<CredentialSource>> MakeCredentialSource(const S3Config& config,
                                                               const Environment& environment,
                                                               ProfileFiles files,
                                                               const Clock& clock);

}  // namespace headrace::s3
