// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headrace::s3 {

// A request's target with the values of signatures and tokens in its query replaced by "-": for
// logs. Pure.
std::string BlankSecrets(std::string_view target);

}  // namespace headrace::s3
