// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace headrace {

// The media type that goes with a file name's last extension ("image/png" for "a.PNG"); empty when
// there is none we know. Pure: the same on every machine, whatever it has in /etc/mime.types.
std::string_view MediaTypeOf(std::string_view name);

}  // namespace headrace
