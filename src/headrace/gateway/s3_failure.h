// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::gateway {

// An error with the code S3 gives it ("InvalidArgument").
std::unexpected<Error> FailS3(std::string s3_code, std::string message);

// The S3 code of an error: its own where it has one, else the one that fits its ErrorCode.
std::string S3CodeOf(const Error& error);
// The HTTP status that S3 sends with a code; 500 for one that S3 does not have.
int HttpStatusOf(std::string_view s3_code);

}  // namespace headrace::gateway
