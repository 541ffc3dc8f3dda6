// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/store/directory/directory_core.h"

namespace headrace::directory {

// What is to be known of a body.
struct SumWish {
  std::optional<Checksum> expected;
  // Summed where neither `expected` nor the body itself names an algorithm.
  std::optional<ChecksumAlgorithm> otherwise;
  Etags etags = Etags::kMd5;
};
// Reads a body to its end into `file`; its ETag is 32 hexadecimal digits, with "-1" behind random
// ones: clients take an ETag for the MD5 unless a number of parts follows. kCorrupt when the body
// is shorter than it announced or is not what `wish` says.
Task<Result<ReceivedBytes>> ReceiveBody(TemporaryFile file, ByteSource& body, const SumWish& wish,
                                        const CallContext& context);

}  // namespace headrace::directory
