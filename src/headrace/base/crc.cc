// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/crc.h"

#include <array>
#include <cstring>

namespace headrace {
namespace {

// Tables for eight bytes a step ("slicing by 8"): table[k][b] is the CRC of byte b followed by k
// zero bytes.
template <typename Word, Word kReflectedPolynomial>
struct Slicing {
  using Tables = std::array<std::array<Word, 256>, 8>;
  static constexpr Tables Make() {
    Tables tables{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
      Word word = byte;
      for (int bit = 0; bit < 8; ++bit) {
        word = (word >> 1U) ^ ((word & 1U) != 0 ? kReflectedPolynomial : 0);
      }
      tables[0][byte] = word;
    }
    for (size_t k = 1; k < 8; ++k) {
      for (uint32_t byte = 0; byte < 256; ++byte) {
        const Word before = tables[k - 1][byte];
        tables[k][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
      }
    }
    return tables;
  }
  static constexpr Tables kTables = Make();

  static Word Update(std::span<const std::byte> bytes, Word crc) {
    crc = ~crc;
    while (bytes.size() >= 8) {
      uint64_t block = 0;
      std::memcpy(&block, bytes.data(), 8);  // Little-endian machines only, as the whole project.
      block ^= crc;
      crc = 0;
      for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(block >> (8U * k)) & 0xFFU];
      bytes = bytes.subspan(8);
    }
    for (const std::byte b : bytes) {
      crc = (crc >> 8U) ^ kTables[0][(crc ^ std::to_integer<Word>(b)) & 0xFFU];
    }
    return ~crc;
  }

  // a * b modulo the polynomial, both reflected (bit 0 is the highest power).
  static Word Multiply(Word a, Word b) {
    constexpr Word kTop = Word{1} << (sizeof(Word) * 8 - 1);
    Word product = 0;
    for (Word mask = kTop; mask != 0; mask >>= 1U) {
      if ((a & mask) != 0) product ^= b;
      b = (b >> 1U) ^ ((b & 1U) != 0 ? kReflectedPolynomial : 0);
    }
    return product;
  }

  // Appending n zero bytes multiplies by x^(8n); the inversions at start and end cancel out.
  static Word Combine(Word crc_a, Word crc_b, uint64_t size_b_bytes) {
    constexpr Word kOne = Word{1} << (sizeof(Word) * 8 - 1);
    Word power = kOne >> 8U;  // x^8.
    Word shift = kOne;
    for (uint64_t n = size_b_bytes; n != 0; n >>= 1U) {
      if ((n & 1U) != 0) shift = Multiply(shift, power);
      power = Multiply(power, power);
    }
    return Multiply(shift, crc_a) ^ crc_b;
  }
};

using TableCrc32 = Slicing<uint32_t, 0xEDB88320U>;
using TableCrc32c = Slicing<uint32_t, 0x82F63B78U>;
using TableCrc64Nvme = Slicing<uint64_t, 0x9A6C9329AC4BC9B5U>;

}  // namespace

uint32_t Crc32(std::span<const std::byte> bytes, uint32_t crc) {
  return TableCrc32::Update(bytes, crc);
}
uint32_t Crc32c(std::span<const std::byte> bytes, uint32_t crc) {
  return TableCrc32c::Update(bytes, crc);
}
uint64_t Crc64Nvme(std::span<const std::byte> bytes, uint64_t crc) {
  return TableCrc64Nvme::Update(bytes, crc);
}

uint32_t CombineCrc32(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes) {
  return TableCrc32::Combine(crc_a, crc_b, size_b_bytes);
}
uint32_t CombineCrc32c(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes) {
  return TableCrc32c::Combine(crc_a, crc_b, size_b_bytes);
}
uint64_t CombineCrc64Nvme(uint64_t crc_a, uint64_t crc_b, uint64_t size_b_bytes) {
  return TableCrc64Nvme::Combine(crc_a, crc_b, size_b_bytes);
}

}  // namespace headrace
