// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/checksum.h"

#include <array>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"
#include "headrace/base/error.h"
#include "headrace/base/text.h"

namespace headrace {
namespace {

struct Name {
  ChecksumAlgorithm algorithm;
  std::string_view upper;
  std::string_view lower;
  size_t size_bytes;
};
constexpr std::array kNames = {
    Name{ChecksumAlgorithm::kCrc32, "CRC32", "crc32", 4},
    Name{ChecksumAlgorithm::kCrc32c, "CRC32C", "crc32c", 4},
    Name{ChecksumAlgorithm::kCrc64Nvme, "CRC64NVME", "crc64nvme", 8},
    Name{ChecksumAlgorithm::kSha1, "SHA1", "sha1", 20},
    Name{ChecksumAlgorithm::kSha256, "SHA256", "sha256", 32},
    Name{ChecksumAlgorithm::kSha512, "SHA512", "sha512", 64},
    Name{ChecksumAlgorithm::kMd5, "MD5", "md5", 16},
    Name{ChecksumAlgorithm::kXxhash64, "XXHASH64", "xxhash64", 8},
    Name{ChecksumAlgorithm::kXxhash3, "XXHASH3", "xxhash3", 8},
    Name{ChecksumAlgorithm::kXxhash128, "XXHASH128", "xxhash128", 16},
};

const Name& NameOf(ChecksumAlgorithm algorithm) {
  for (const Name& name : kNames) {
    if (name.algorithm == algorithm) return name;
  }
  HR_CHECK(false);
}

template <typename Word>
std::string BigEndian(Word value) {
  std::string bytes(sizeof(Word), '\0');
  for (size_t i = 0; i < sizeof(Word); ++i) {
    bytes[sizeof(Word) - 1 - i] = static_cast<char>((value >> (8U * i)) & 0xFFU);
  }
  return bytes;
}

}  // namespace

std::string_view ChecksumName(ChecksumAlgorithm algorithm) { return NameOf(algorithm).upper; }

std::string_view ChecksumHeaderSuffix(ChecksumAlgorithm algorithm) {
  return NameOf(algorithm).lower;
}

size_t ChecksumSizeBytes(ChecksumAlgorithm algorithm) { return NameOf(algorithm).size_bytes; }

std::optional<ChecksumAlgorithm> ParseChecksumAlgorithm(std::string_view name) {
  const std::string lower = LowerCase(name);
  for (const Name& known : kNames) {
    if (known.lower == lower) return known.algorithm;
  }
  return std::nullopt;
}

RunningChecksum::RunningChecksum(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::kCrc32:
    case ChecksumAlgorithm::kCrc32c:
      state_.emplace<uint32_t>(0);
      break;
    case ChecksumAlgorithm::kCrc64Nvme:
      state_.emplace<uint64_t>(0);
      break;
    case ChecksumAlgorithm::kSha1:
      state_.emplace<RunningDigest>(DigestKind::kSha1);
      break;
    case ChecksumAlgorithm::kSha256:
      state_.emplace<RunningDigest>(DigestKind::kSha256);
      break;
    case ChecksumAlgorithm::kSha512:
      state_.emplace<RunningDigest>(DigestKind::kSha512);
      break;
    case ChecksumAlgorithm::kMd5:
      state_.emplace<RunningDigest>(DigestKind::kMd5);
      break;
    case ChecksumAlgorithm::kXxhash64:
      state_.emplace<RunningXxhash>(XxhashKind::kXxh64);
      break;
    case ChecksumAlgorithm::kXxhash3:
      state_.emplace<RunningXxhash>(XxhashKind::kXxh3);
      break;
    case ChecksumAlgorithm::kXxhash128:
      state_.emplace<RunningXxhash>(XxhashKind::kXxh128);
      break;
  }
}

void RunningChecksum::Update(std::span<const std::byte> bytes) {
  if (auto* const crc = std::get_if<uint32_t>(&state_)) {
    *crc = algorithm_ == ChecksumAlgorithm::kCrc32 ? Crc32(bytes, *crc) : Crc32c(bytes, *crc);
  } else if (auto* const crc64 = std::get_if<uint64_t>(&state_)) {
    *crc64 = Crc64Nvme(bytes, *crc64);
  } else if (auto* const digest = std::get_if<RunningDigest>(&state_)) {
    digest->Update(bytes);
  } else {
    std::get<RunningXxhash>(state_).Update(bytes);
  }
}

Checksum RunningChecksum::Finish() {
  if (const auto* const crc = std::get_if<uint32_t>(&state_)) {
    return ChecksumFromCrc(algorithm_, *crc);
  }
  if (const auto* const crc64 = std::get_if<uint64_t>(&state_)) {
    return ChecksumFromCrc(algorithm_, *crc64);
  }
  std::string raw;
  if (auto* const digest = std::get_if<RunningDigest>(&state_)) {
    raw = digest->Finish();
  } else {
    raw = std::get<RunningXxhash>(state_).Finish();
  }
  return {.algorithm = algorithm_, .value = Base64Encode(AsBytes(raw))};
}

Checksum ChecksumFromCrc(ChecksumAlgorithm algorithm, uint64_t crc) {
  const bool is_wide = algorithm == ChecksumAlgorithm::kCrc64Nvme;
  HR_CHECK(is_wide || algorithm == ChecksumAlgorithm::kCrc32 ||
           algorithm == ChecksumAlgorithm::kCrc32c);
  const std::string raw = is_wide ? BigEndian(crc) : BigEndian(static_cast<uint32_t>(crc));
  return {.algorithm = algorithm, .value = Base64Encode(AsBytes(raw))};
}

Checksum ChecksumOf(ChecksumAlgorithm algorithm, std::span<const std::byte> bytes) {
  RunningChecksum running(algorithm);
  running.Update(bytes);
  return running.Finish();
}

}  // namespace headrace
