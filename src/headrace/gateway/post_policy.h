// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"

namespace headrace::gateway {

// The fields of a form upload in front of its file, names in lower case.
using FormFields = std::map<std::string, std::string>;

// How large the file may be, both ends included.
struct FileSizeRange {
  uint64_t size_bytes_min = 0;
  uint64_t size_bytes_max = UINT64_MAX;
};

// What a form's policy (the Base64 of a JSON document) makes of its fields. InvalidPolicyDocument
// for one that cannot be read; AccessDenied when it has expired, when a condition does not hold or
// when a field has none. `bucket` is the one that is posted to.
Result<FileSizeRange> CheckPostPolicy(std::string_view policy_base64, const FormFields& fields,
                                      std::string_view bucket, SystemTime now);

}  // namespace headrace::gateway
