// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "headrace/base/error.h"

namespace headrace {

// A failure that S3 has a code of its own for, such as "NoSuchUpload": a server of its protocol
// answers with that code.
inline std::unexpected<Error> FailAs(ErrorCode code, std::string message, std::string s3_code) {
  return std::unexpected(Error(code, std::move(message), Origin{.s3_code = std::move(s3_code)}));
}

}  // namespace headrace
