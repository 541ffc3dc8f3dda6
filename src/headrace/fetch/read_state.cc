// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_state.h"

#include <fmt/format.h>

#include "headrace/base/crc.h"

namespace headrace::fetch {

std::optional<Checksum> CombineSums(ChecksumAlgorithm algorithm,
                                    const std::map<uint64_t, PartSum>& sums) {
  if (algorithm == ChecksumAlgorithm::kCrc64Nvme) {
    uint64_t whole = 0;
    for (const auto& [offset, sum] : sums) {
      whole = CombineCrc64Nvme(whole, sum.crc64_nvme, sum.size_bytes);
    }
    return ChecksumFromCrc(algorithm, whole);
  }
  if (algorithm == ChecksumAlgorithm::kCrc32c) {
    uint32_t whole = 0;
    for (const auto& [offset, sum] : sums) {
      whole = CombineCrc32c(whole, sum.crc32c, sum.size_bytes);
    }
    return ChecksumFromCrc(algorithm, whole);
  }
  return std::nullopt;
}

void Fetcher::ReadState::SumPart(std::span<const std::byte> bytes, PartSum& sum) const {
  bool is_known = false;
  std::optional<ChecksumAlgorithm> algorithm;
  {
    const MutexLock lock(mutex);
    is_known = is_expected_known;
    if (expected && !expected->is_composite) algorithm = expected->algorithm;
  }
  if (!is_known || algorithm == ChecksumAlgorithm::kCrc32c) sum.crc32c = Crc32c(bytes);
  if (!is_known || algorithm == ChecksumAlgorithm::kCrc64Nvme) sum.crc64_nvme = Crc64Nvme(bytes);
}

Status Fetcher::ReadState::Outcome() const {
  const MutexLock lock(mutex);
  if (failure) return std::unexpected(*failure);
  if (!expected || expected->is_composite) return Ok();
  const auto found = CombineSums(expected->algorithm, sums);
  if (!found || found->value == expected->value) return Ok();
  return headrace::Fail(
      ErrorCode::kCorrupt,
      fmt::format("s3://{}/{}: {} is {} where the store says {}; the bytes were damaged on the way",
                  planned.bucket, planned.key, ChecksumName(expected->algorithm), found->value,
                  expected->value));
}

}  // namespace headrace::fetch
