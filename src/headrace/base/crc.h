// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headrace {

// Cyclic redundancy checks, reflected, with the usual start and end inversion. `crc` continues an
// earlier result, so that pieces can be summed as they arrive: Crc32c(b, Crc32c(a)) == Crc32c(ab).
uint32_t Crc32(std::span<const std::byte> bytes, uint32_t crc = 0);   // Polynomial 04C11DB7 (zlib).
uint32_t Crc32c(std::span<const std::byte> bytes, uint32_t crc = 0);  // 1EDC6F41 (Castagnoli).
uint64_t Crc64Nvme(std::span<const std::byte> bytes, uint64_t crc = 0);  // AD93D23594C93659.

// The CRC of a followed by b, from the CRC of each and b's length: a full-object value from part
// values without reading the parts again.
uint32_t CombineCrc32(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes);
uint32_t CombineCrc32c(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes);
uint64_t CombineCrc64Nvme(uint64_t crc_a, uint64_t crc_b, uint64_t size_b_bytes);

}  // namespace headrace
