// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"

// What went wrong in OpenSSL, in words.
namespace headrace::net {

// Of this thread's last failure, `otherwise` where OpenSSL gave no reason. Forgets all of them.
std::string TakeTlsReason(std::string_view otherwise);

// Whether a file that OpenSSL is to read can be read: its own errors do not say why not. `what`
// names it: "certificate".
Status CheckTlsFile(std::string_view what, const std::string& path);

}  // namespace headrace::net
