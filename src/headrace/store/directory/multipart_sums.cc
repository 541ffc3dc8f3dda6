// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/multipart_sums.h"

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"
#include "headrace/store/fail_as.h"

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

uint64_t Combine(ChecksumAlgorithm algorithm, uint64_t a, uint64_t b, uint64_t size_b_bytes) {
  if (algorithm == ChecksumAlgorithm::kCrc64Nvme) return CombineCrc64Nvme(a, b, size_b_bytes);
  const auto short_a = static_cast<uint32_t>(a);
  const auto short_b = static_cast<uint32_t>(b);
  return algorithm == ChecksumAlgorithm::kCrc32 ? CombineCrc32(short_a, short_b, size_b_bytes)
                                                : CombineCrc32c(short_a, short_b, size_b_bytes);
}

// The upload's own, or what the client or its parts make of an upload without one.
UploadSum Chosen(std::span<const PartInfo> parts, const UploadSum& upload,
                 const std::optional<Checksum>& claimed) {
  if (upload.algorithm) return upload;
  if (claimed) return {.algorithm = claimed->algorithm, .is_composite = claimed->is_composite};
  if (parts.empty() || !parts.front().checksum) return {};
  const ChecksumAlgorithm algorithm = parts.front().checksum->algorithm;
  return {.algorithm = algorithm, .is_composite = IsCompositeByDefault(algorithm)};
}

// The checksum without the "-3" of a composite one.
std::string_view ValueOf(const Checksum& checksum) {
  return std::string_view(checksum.value).substr(0, checksum.value.find('-'));
}

}  // namespace

Result<std::optional<Checksum>> ChecksumOfParts(std::span<const PartInfo> parts,
                                                const UploadSum& upload,
                                                const std::optional<Checksum>& claimed) {
  const UploadSum sum = Chosen(parts, upload, claimed);
  if (!sum.algorithm) return std::nullopt;
  if (claimed && claimed->algorithm != *sum.algorithm) {
    return FailAs(ErrorCode::kInvalidArgument,
                  fmt::format("the upload was started with {} checksums, not {}",
                              ChecksumName(*sum.algorithm), ChecksumName(claimed->algorithm)),
                  "InvalidRequest");
  }
  if (!sum.is_composite && !IsCrc(*sum.algorithm)) {
    return FailAs(ErrorCode::kInvalidArgument,
                  fmt::format("{} checksums of parts do not add up to the object's",
                              ChecksumName(*sum.algorithm)),
                  "InvalidRequest");
  }
  uint64_t crc = 0;
  std::string raw_parts;
  for (const PartInfo& part : parts) {
    if (!part.checksum || part.checksum->algorithm != *sum.algorithm) return std::nullopt;
    const std::string raw = Base64Decode(part.checksum->value).value_or(std::string());
    if (!sum.is_composite) crc = Combine(*sum.algorithm, crc, NumberOf(raw), part.size_bytes);
    raw_parts += raw;
  }
  Checksum checksum{.algorithm = *sum.algorithm};
  if (sum.is_composite) {
    checksum = ChecksumOf(*sum.algorithm, AsBytes(raw_parts));
    checksum.value += fmt::format("-{}", parts.size());
    checksum.is_composite = true;
  } else {
    checksum.value = Base64Encode(AsBytes(BytesOf(crc, ChecksumSizeBytes(*sum.algorithm))));
  }
  if (claimed && ValueOf(*claimed) != ValueOf(checksum)) {
    return FailAs(ErrorCode::kCorrupt, "the checksum of the whole object is not that of its parts",
                  "BadDigest");
  }
  return checksum;
}

}  // namespace headrace::directory
