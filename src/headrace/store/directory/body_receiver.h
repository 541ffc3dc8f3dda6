// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/store/directory/directory_core.h"

namespace headrace::directory {

// Reads a body to its end into `file`, with its MD5 as the ETag. kCorrupt when the body
// is shorter than it announced or is not what `wish` says.
struct SumWish {
  std::optional<Checksum> expected;
  // Summed where neither `expected` nor the body itself names an algorithm.
  std::optional<ChecksumAlgorithm> otherwise;
};
Task<Result<ReceivedBytes>> ReceiveBody(TemporaryFile file, ByteSource& body, const SumWish& wish,
                                        const CallContext& context);

}  // namespace headrace::directory
