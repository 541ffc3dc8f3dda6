// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include "headrace/base/error.h"

namespace headrace {

// How GoogleTest prints a code and an error.
inline void PrintTo(ErrorCode code, std::ostream* out) { *out << ErrorCodeName(code); }
inline void PrintTo(const Error& error, std::ostream* out) {
  *out << ErrorCodeName(error.code()) << ": " << error.message();
}

namespace testing {

// ASSERT_THAT(result, IsOk()): holds a value; its error is shown when it does not.
MATCHER(IsOk, negation ? "is an error" : "is no error") {
  if (arg.has_value()) return true;
  *result_listener << ErrorCodeName(arg.error().code()) << ": " << arg.error().message();
  return false;
}

// EXPECT_THAT(result, HasCode(ErrorCode::kNotFound)): holds an error with that code.
MATCHER_P(HasCode, code, "has the code '" + std::string(ErrorCodeName(code)) + "'") {
  if (arg.has_value()) {
    *result_listener << "a success";
    return false;
  }
  *result_listener << ErrorCodeName(arg.error().code()) << ": " << arg.error().message();
  return arg.error().code() == code;
}

// EXPECT_THAT(result, HasMessage("s3://bucket/key")): an error whose message holds the text.
MATCHER_P(HasMessage, text, "has a message with '" + std::string(text) + "'") {
  if (arg.has_value()) {
    *result_listener << "a success";
    return false;
  }
  *result_listener << arg.error().message();
  return arg.error().message().find(text) != std::string::npos;
}

}  // namespace testing
}  // namespace headrace
