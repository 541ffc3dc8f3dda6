// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headrace {

// `uri` as messages may show it: what stands between "//", or the start, and the last '@' is
// "***", for it may be a user's name and password. Right or wrong URIs alike.
std::string BlankUser(std::string_view uri);

}  // namespace headrace
