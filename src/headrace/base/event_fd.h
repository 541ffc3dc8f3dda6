// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace {

// A descriptor that becomes readable once eventfd_write(3) is called on it: how one thread ends
// another's poll(2). kResourceExhausted when this process has no descriptor left.
Result<UniqueFd> MakeEventFd();

}  // namespace headrace
