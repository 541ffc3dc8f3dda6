// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/net/http_client.h"
#include "headrace/store/s3/profile_files.h"
#include "headrace/store/s3/s3_store.h"

namespace headrace::s3 {

// Where the bucket's name goes.
enum class Addressing : uint8_t {
  kAuto,     // Virtual host on AWS, path elsewhere and where the name does not fit into a host.
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key
};

// The settings with everything left open decided.
struct S3Config {
  std::string profile;               // "default" where none was named.
  bool profile_is_explicit = false;  // Named by a flag: environment keys then do not count.
  std::string region;
  bool has_custom_endpoint = false;
  net::HttpEndpoint endpoint;  // Of a custom endpoint.
  bool is_proxied = false;     // Whoever connects meets a proxy, not the endpoint.
  Addressing addressing = Addressing::kAuto;
  std::string ca_bundle;
  bool sign_requests = true;
  bool verify_tls = true;
  bool sends_checksums = true;  // request_checksum_calculation = when_required: only where S3
                                // demands one.
  bool verify_checksums = true;
  RetryOptions retry;
};

// Pure. The order for each value: the setting, AWS_... variables, the profile, the default.
// kInvalidArgument: an endpoint that is none, a profile that is in no file, an unknown
// addressing_style, a count of attempts that is none.
Result<S3Config> ResolveConfig(const S3Settings& settings, const Environment& environment,
                               const ProfileFiles& files);

// The configured endpoint URL of a service other than S3 ("sts"), by the same rules without the
// setting; empty: the service's own.
std::string ConfiguredEndpointUrl(const std::string& service, const std::string& profile,
                                  const Environment& environment, const ProfileFiles& files);

// The bucket's place in a request.
struct S3Address {
  net::HttpEndpoint endpoint;
  std::string path;  // Encoded: "/bucket/key", "/key", "/".
};
// Where requests for a bucket (empty: the service) and key (empty: the bucket) go.
S3Address AddressOf(const S3Config& config, std::string_view region, std::string_view bucket,
                    std::string_view key);

}  // namespace headrace::s3
