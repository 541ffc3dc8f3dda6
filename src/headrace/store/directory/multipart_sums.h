// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "headrace/store/object_store.h"

namespace headrace::directory {

// What an upload's checksum is when nobody said otherwise, as S3 chooses.
constexpr bool IsCompositeByDefault(ChecksumAlgorithm algorithm) {
  return algorithm != ChecksumAlgorithm::kCrc64Nvme;
}

// The checksum that an upload was started with.
struct UploadSum {
  std::optional<ChecksumAlgorithm> algorithm;
  bool is_composite = false;
};
// The checksum of the whole, from those of its parts: of the object's bytes, or of the parts'
// checksums for a composite one. `claimed`: what the client says of the whole; kCorrupt (BadDigest)
// when it is not, kInvalidArgument (InvalidRequest) when it is of another kind than the upload's.
// An upload that was started without an algorithm has the one its parts share. Nothing when a part
// lacks its checksum.
Result<std::optional<Checksum>> ChecksumOfParts(std::span<const PartInfo> parts,
                                                const UploadSum& upload,
                                                const std::optional<Checksum>& claimed);

}  // namespace headrace::directory
