// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "headrace/base/digest.h"

namespace headrace {

// The object checksums that S3 carries in x-amz-checksum-<name>.
enum class ChecksumAlgorithm : uint8_t { kCrc32, kCrc32c, kCrc64Nvme, kSha1, kSha256 };

// As S3 writes it in x-amz-checksum-algorithm ("CRC64NVME") and in header names ("crc64nvme").
std::string_view ChecksumName(ChecksumAlgorithm algorithm);
std::string_view ChecksumHeaderSuffix(ChecksumAlgorithm algorithm);
// Case-insensitive; nothing for an unknown name.
std::optional<ChecksumAlgorithm> ParseChecksumAlgorithm(std::string_view name);

struct Checksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::kCrc64Nvme;
  // Base64 of the big-endian value, as S3 writes it.
  std::string value;
  // Composite: a checksum of part checksums ("…-3"), which whole-object bytes cannot be tested
  // against.
  bool is_composite = false;

  bool operator==(const Checksum&) const = default;
};

// A checksum over bytes that arrive in pieces.
class RunningChecksum {
 public:
  explicit RunningChecksum(ChecksumAlgorithm algorithm);

  void Update(std::span<const std::byte> bytes);
  // Ends the sum: neither method may be called again.
  Checksum Finish();

 private:
  ChecksumAlgorithm algorithm_;
  std::variant<uint32_t, uint64_t, RunningDigest> state_;
};

// The checksum whose CRC is `crc`. `algorithm` is one of the CRCs; of the 32-bit ones the lower
// half counts.
Checksum ChecksumFromCrc(ChecksumAlgorithm algorithm, uint64_t crc);

Checksum ChecksumOf(ChecksumAlgorithm algorithm, std::span<const std::byte> bytes);

}  // namespace headrace
