// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/crc.h"

#include <immintrin.h>

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

  // The register alone, without the inversions at start and end.
  static Word UpdateRaw(std::span<const std::byte> bytes, Word crc) { return ~Update(bytes, ~crc); }

  // x to the power n modulo the polynomial, reflected.
  static constexpr Word PowerOfX(uint64_t n) {
    constexpr Word kOne = Word{1} << (sizeof(Word) * 8 - 1);
    Word result = kOne;
    Word square = kOne >> 1U;
    for (; n != 0; n >>= 1U) {
      if ((n & 1U) != 0) result = Multiply(result, square);
      square = Multiply(square, square);
    }
    return result;
  }

  // a * b modulo the polynomial, both reflected (bit 0 is the highest power).
  static constexpr Word Multiply(Word a, Word b) {
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
    // 8n overflows only beyond 2^61 bytes, which no object has.
    return Multiply(PowerOfX(size_b_bytes * 8), crc_a) ^ crc_b;
  }
};

using TableCrc32 = Slicing<uint32_t, 0xEDB88320U>;
using TableCrc32c = Slicing<uint32_t, 0x82F63B78U>;
using TableCrc64Nvme = Slicing<uint64_t, 0x9A6C9329AC4BC9B5U>;

// The processor's own CRC32C instruction, eight bytes a step.
__attribute__((target("sse4.2"))) uint32_t HardwareCrc32c(std::span<const std::byte> bytes,
                                                          uint32_t crc) {
  uint64_t state = ~crc;
  while (bytes.size() >= 8) {
    uint64_t block = 0;
    std::memcpy(&block, bytes.data(), 8);
    state = _mm_crc32_u64(state, block);
    bytes = bytes.subspan(8);
  }
  auto narrow = static_cast<uint32_t>(state);
  for (const std::byte b : bytes) narrow = _mm_crc32_u8(narrow, std::to_integer<uint8_t>(b));
  return ~narrow;
}

// Carry-less multiplication folds four registers of 16 bytes over the data ("folding", as in
// Intel's paper on fast CRC by PCLMULQDQ, 2009). A register R = low * x^64 + high moves D bits on
// as low * x^(64+D) + high * x^D; the product of two reflected words is one power of x too high, so
// the constants are one lower. Those of 32 bits stand in the upper half, where their highest power
// is the word's.
template <typename Table, uint64_t kBits>
__attribute__((target("pclmul,sse4.1"))) __m128i Fold(__m128i reg) {
  constexpr auto kInWord = [](auto power) {
    return static_cast<int64_t>(uint64_t{power} << (64 - 8 * sizeof(power)));
  };
  const __m128i constants =
      _mm_set_epi64x(kInWord(Table::PowerOfX(kBits - 1)), kInWord(Table::PowerOfX(kBits + 63)));
  return _mm_xor_si128(_mm_clmulepi64_si128(reg, constants, 0x00),
                       _mm_clmulepi64_si128(reg, constants, 0x11));
}

template <typename Table, typename Word>
__attribute__((target("pclmul,sse4.1"))) Word FoldedCrc(std::span<const std::byte> bytes,
                                                        Word crc) {
  constexpr size_t kStride = 64;
  if (bytes.size() < 2 * kStride) return Table::Update(bytes, crc);
  const auto load = [](const std::byte* from) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  const std::byte* next = bytes.data();
  const std::byte* const end = next + bytes.size() / kStride * kStride;
  __m128i a = _mm_xor_si128(load(next), _mm_cvtsi64_si128(static_cast<int64_t>(Word(~crc))));
  __m128i b = load(next + 16);
  __m128i c = load(next + 32);
  __m128i d = load(next + 48);
  for (next += kStride; next != end; next += kStride) {
    a = _mm_xor_si128(Fold<Table, 512>(a), load(next));
    b = _mm_xor_si128(Fold<Table, 512>(b), load(next + 16));
    c = _mm_xor_si128(Fold<Table, 512>(c), load(next + 32));
    d = _mm_xor_si128(Fold<Table, 512>(d), load(next + 48));
  }
  b = _mm_xor_si128(b, Fold<Table, 128>(a));
  c = _mm_xor_si128(c, Fold<Table, 128>(b));
  d = _mm_xor_si128(d, Fold<Table, 128>(c));
  std::array<std::byte, 16> last{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), d);
  const Word folded = Table::UpdateRaw(last, 0);
  const auto tail = bytes.subspan(static_cast<size_t>(end - bytes.data()));
  return Table::Update(tail, ~folded);
}

const bool kHasCrc32c = __builtin_cpu_supports("sse4.2") != 0;
const bool kHasFolding =
    __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;

}  // namespace

uint32_t Crc32(std::span<const std::byte> bytes, uint32_t crc) {
  return kHasFolding ? FoldedCrc<TableCrc32>(bytes, crc) : TableCrc32::Update(bytes, crc);
}
uint32_t Crc32c(std::span<const std::byte> bytes, uint32_t crc) {
  return kHasCrc32c ? HardwareCrc32c(bytes, crc) : TableCrc32c::Update(bytes, crc);
}
uint64_t Crc64Nvme(std::span<const std::byte> bytes, uint64_t crc) {
  return kHasFolding ? FoldedCrc<TableCrc64Nvme>(bytes, crc) : TableCrc64Nvme::Update(bytes, crc);
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
