// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/multipart_sums.h"

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"

namespace headrace::directory {
namespace {

// Big-endian, as checksums are written.
uint64_t NumberOf(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8U | static_cast<unsigned char>(c);
  return number;
}

std::string BytesOf(uint64_t number, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (size_t i = size_bytes; i-- > 0; number >>= 8U) {
    bytes[i] = static_cast<char>(number & 0xFFU);
  }
  return bytes;
}

bool IsCrc(ChecksumAlgorithm algorithm) {
  return algorithm == ChecksumAlgorithm::kCrc32 || algorithm == ChecksumAlgorithm::kCrc32c ||
         algorithm == ChecksumAlgorithm::kCrc64Nvme;
}

uint64_t Combine(ChecksumAlgorithm algorithm, uint64_t a, uint64_t b, uint64_t size_b_bytes) {
  if (algorithm == ChecksumAlgorithm::kCrc64Nvme) return CombineCrc64Nvme(a, b, size_b_bytes);
  const auto short_a = static_cast<uint32_t>(a);
  const auto short_b = static_cast<uint32_t>(b);
  return algorithm == ChecksumAlgorithm::kCrc32 ? CombineCrc32(short_a, short_b, size_b_bytes)
                                                : CombineCrc32c(short_a, short_b, size_b_bytes);
}

}  // namespace

Result<std::optional<Checksum>> ChecksumOfParts(std::span<const PartInfo> parts,
                                                std::optional<ChecksumAlgorithm> algorithm,
                                                const std::optional<Checksum>& claimed) {
  if (claimed) algorithm = claimed->algorithm;
  if (!algorithm) return std::nullopt;
  const bool is_whole = *algorithm == ChecksumAlgorithm::kCrc64Nvme ||
                        (claimed && !claimed->is_composite && IsCrc(*algorithm));
  uint64_t crc = 0;
  std::string raw_parts;
  for (const PartInfo& part : parts) {
    if (!part.checksum || part.checksum->algorithm != *algorithm) return std::nullopt;
    const std::string raw = Base64Decode(part.checksum->value).value_or(std::string());
    if (is_whole) crc = Combine(*algorithm, crc, NumberOf(raw), part.size_bytes);
    raw_parts += raw;
  }
  Checksum checksum{.algorithm = *algorithm};
  if (is_whole) {
    const size_t size = *algorithm == ChecksumAlgorithm::kCrc64Nvme ? 8 : 4;
    checksum.value = Base64Encode(AsBytes(BytesOf(crc, size)));
  } else {
    checksum = ChecksumOf(*algorithm, AsBytes(raw_parts));
    checksum.value += fmt::format("-{}", parts.size());
    checksum.is_composite = true;
  }
  if (claimed && claimed->value != checksum.value) {
    return std::unexpected(Error(ErrorCode::kCorrupt,
                                 "the checksum of the whole object is not that of its parts",
                                 Origin{.s3_code = "BadDigest"}));
  }
  return checksum;
}

}  // namespace headrace::directory
