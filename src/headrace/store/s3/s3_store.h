// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::s3 {

// What a user says about the store to use. Everything left empty is found as the AWS SDKs find it:
// from the environment, then the profile, then the default.
struct S3Settings {
  std::string endpoint_url;   // --endpoint-url
  std::string profile;        // --profile
  std::string region;         // --region
  bool sign_requests = true;  // --no-sign-request turns it off.
  bool verify_tls = true;     // --no-verify-ssl turns it off.
  // Verify CRC32C and CRC64NVME that the store sends with whole objects.
  bool verify_checksums = true;
};

// An S3-compatible store. Reads configuration files and environment now, credentials when the first
// request needs them. Lifetime: destroyed before the loops its calls ran on; outlives its calls.
// kInvalidArgument: an endpoint, profile or bundle that cannot be used; the message names it.
Result<std::unique_ptr<ObjectStore>> OpenS3Store(const S3Settings& settings,
                                                 const Environment& environment,
                                                 const Clock& clock);

}  // namespace headrace::s3
