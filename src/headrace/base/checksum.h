// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "headrace/base/digest.h"
#include "headrace/base/xxhash_sum.h"

namespace headrace {

// The object checksums that S3 carries in x-amz-checksum-<name>.
enum class ChecksumAlgorithm : uint8_t {
  kCrc32,
  kCrc32c,
  kCrc64Nvme,
  kSha1,
  kSha256,
  kSha512,
  kMd5,
  kXxhash64,
  kXxhash3,  // Its 64-bit form.
  kXxhash128,
};
// All of them; where only one can be told, the first that is there.
inline constexpr std::array kChecksumAlgorithms = {
    ChecksumAlgorithm::kCrc64Nvme, ChecksumAlgorithm::kCrc32c,   ChecksumAlgorithm::kCrc32,
    ChecksumAlgorithm::kSha256,    ChecksumAlgorithm::kSha1,     ChecksumAlgorithm::kSha512,
    ChecksumAlgorithm::kMd5,       ChecksumAlgorithm::kXxhash64, ChecksumAlgorithm::kXxhash3,
    ChecksumAlgorithm::kXxhash128};

// As S3 writes it in x-amz-checksum-algorithm ("CRC64NVME") and in header names ("crc64nvme").
std::string_view ChecksumName(ChecksumAlgorithm algorithm);
std::string_view ChecksumHeaderSuffix(ChecksumAlgorithm algorithm);
// Case-insensitive; nothing for an unknown name.
std::optional<ChecksumAlgorithm> ParseChecksumAlgorithm(std::string_view name);
// Bytes of a value before its Base64.
size_t ChecksumSizeBytes(ChecksumAlgorithm algorithm);
// True when the sum of a whole follows from the sums and sizes of its parts.
constexpr bool IsCrc(ChecksumAlgorithm algorithm) {
  return algorithm == ChecksumAlgorithm::kCrc32 || algorithm == ChecksumAlgorithm::kCrc32c ||
         algorithm == ChecksumAlgorithm::kCrc64Nvme;
}

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
  std::variant<uint32_t, uint64_t, RunningDigest, RunningXxhash> state_;
};

// The checksum whose CRC is `crc`. `algorithm` is one of the CRCs; of the 32-bit ones the lower
// half counts.
Checksum ChecksumFromCrc(ChecksumAlgorithm algorithm, uint64_t crc);

Checksum ChecksumOf(ChecksumAlgorithm algorithm, std::span<const std::byte> bytes);

}  // namespace headrace
