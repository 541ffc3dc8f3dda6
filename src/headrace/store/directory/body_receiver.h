// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/store/directory/directory_core.h"

namespace headrace::directory {

// Reads a body to its end into a temporary file, with its MD5 as the ETag. kCorrupt when the body
// is shorter than it announced or is not what `expected` says.
Task<Result<ReceivedBytes>> ReceiveBody(TemporaryFolder& folder, ByteSource& body,
                                        const std::optional<Checksum>& expected,
                                        const CallContext& context);

}  // namespace headrace::directory
