// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::job {

// What the file system of `folder`, which need not be there yet, has free for this user; nothing
// where it does not say.
std::optional<uint64_t> FreeBytes(const std::string& folder);

// kResourceExhausted when `folder` has no room for so much. `what` needs it, `advice` is what its
// reader can do.
Status CheckRoom(std::string_view what, uint64_t needed_bytes, const std::string& folder,
                 std::string_view advice);

}  // namespace headrace::job
