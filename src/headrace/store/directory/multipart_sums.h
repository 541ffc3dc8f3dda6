// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "headrace/store/object_store.h"

namespace headrace::directory {

// The checksum of the whole, from those of its parts. `algorithm`: what the upload was started
// with. `claimed`: what the client says of the whole; kCorrupt (BadDigest) when it is not.
// CRC64NVME, and any CRC that is claimed for the whole object, sums the object's bytes; the others
// are checksums of checksums. Nothing when a part lacks its checksum.
Result<std::optional<Checksum>> ChecksumOfParts(std::span<const PartInfo> parts,
                                                std::optional<ChecksumAlgorithm> algorithm,
                                                const std::optional<Checksum>& claimed);

}  // namespace headrace::directory
