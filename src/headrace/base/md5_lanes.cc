// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/md5_lanes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "headrace/base/error.h"

// Each step waits for the one before: what can be added early has to be. The compiler would put the
// sums into another order, which makes a step five operations long instead of four.
#if !defined(__clang__)
#pragma GCC optimize("no-tree-reassoc")
#endif

namespace headrace {
namespace {

static_assert(std::endian::native == std::endian::little, "MD5 reads its words as they lie");

// A word of every lane.
using Words = uint32_t __attribute__((vector_size(sizeof(uint32_t) * kMd5LaneCount)));
template <typename Word>
using State = std::array<Word, 4>;
using LaneStates = State<Words>;
using LanePointers = std::array<const std::byte*, kMd5LaneCount>;

// RFC 1321, section 3.4: floor(2^32 x |sin(i + 1)|).
constexpr std::array<uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<std::array<uint32_t, 4>, 4> kShifts = {
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

// Which word of the block step `i` takes.
constexpr size_t WordOf(size_t i) {
  switch (i / 16) {
    case 0:
      return i;
    case 1:
      return (5 * i + 1) % 16;
    case 2:
      return (3 * i + 5) % 16;
    default:
      return (7 * i) % 16;
  }
}

template <size_t kRound, typename Word>
[[gnu::always_inline]] inline void Mix(const Word& b, const Word& c, const Word& d, Word& mixed) {
  if constexpr (kRound == 0) mixed = d ^ (b & (c ^ d));
  if constexpr (kRound == 1) mixed = c ^ (d & (b ^ c));
  if constexpr (kRound == 2) mixed = b ^ c ^ d;
  if constexpr (kRound == 3) mixed = c ^ (b | ~d);
}

template <size_t kStep, typename Word>
[[gnu::always_inline]] inline void Step(State<Word>& s, const std::array<Word, 16>& words,
                                        const uint32_t* sines) {
  // The roles of the four state words go round; no word moves.
  Word& a = s[(64 - kStep) % 4];
  const Word& b = s[(65 - kStep) % 4];
  const Word& c = s[(66 - kStep) % 4];
  const Word& d = s[(67 - kStep) % 4];
  constexpr uint32_t kShift = kShifts[kStep / 16][kStep % 4];
  constexpr size_t kRound = kStep / 16;
  Word early = a + (words[WordOf(kStep)] + sines[kStep]);
  Word mixed;
  if constexpr (kRound == 1 && sizeof(Word) == sizeof(uint32_t)) {
    // The same as what Mix gives, with one operation less after `b` is known.
    early += c & ~d;
    mixed = b & d;
  } else {
    Mix<kRound>(b, c, d, mixed);
  }
  const Word sum = early + mixed;
  a = b + ((sum << kShift) | (sum >> (32 - kShift)));
}

template <typename Word, size_t... kSteps>
[[gnu::always_inline]] inline void AllSteps(State<Word>& s, const std::array<Word, 16>& words,
                                            std::index_sequence<kSteps...>) {
  const State<Word> before = s;
  // Read from memory as they are needed: as constants of the code they take more instructions.
  const uint32_t* sines = kSines.data();
  asm("" : "+r"(sines));
  (Step<kSteps>(s, words, sines), ...);
  for (size_t i = 0; i < 4; ++i) s[i] += before[i];
}

// A message by itself: half as fast again as one lane of many.
void CompressAlone(State<uint32_t>& state, const std::byte* blocks, size_t block_count) {
  for (size_t block = 0; block < block_count; ++block) {
    std::array<uint32_t, 16> words;
    std::memcpy(words.data(), blocks + block * kMd5BlockBytes, kMd5BlockBytes);
    AllSteps(state, words, std::make_index_sequence<64>());
  }
}

// One block after the other of every lane. Lanes without a message read some other one's bytes.
[[gnu::always_inline]] inline void CompressLanes(LaneStates& states, const LanePointers& blocks,
                                                 size_t block_count) {
  LaneStates s = states;
  for (size_t block = 0; block < block_count; ++block) {
    std::array<Words, 16> words;
    const auto load = [&](size_t lane, size_t word) __attribute__((always_inline)) {
      uint32_t value = 0;
      std::memcpy(&value, blocks[lane] + block * kMd5BlockBytes + 4 * word, sizeof(value));
      return value;
    };
    for (size_t i = 0; i < 16; ++i) {
      words[i] = Words{load(0, i), load(1, i), load(2, i), load(3, i),
                       load(4, i), load(5, i), load(6, i), load(7, i)};
    }
    AllSteps(s, words, std::make_index_sequence<64>());
  }
  states = s;
}

using CompressFunction = void(LaneStates&, const LanePointers&, size_t);

void CompressPlain(LaneStates& states, const LanePointers& blocks, size_t block_count) {
  CompressLanes(states, blocks, block_count);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void CompressAvx2(LaneStates& states, const LanePointers& blocks,
                                                  size_t block_count) {
  CompressLanes(states, blocks, block_count);
}
// Has rotations and functions of three operands: half as many instructions.
__attribute__((target("avx2,avx512f,avx512vl"))) void CompressAvx512(LaneStates& states,
                                                                     const LanePointers& blocks,
                                                                     size_t block_count) {
  CompressLanes(states, blocks, block_count);
}
#endif

CompressFunction* FastestCompress() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vl") != 0) return CompressAvx512;
  if (__builtin_cpu_supports("avx2") != 0) return CompressAvx2;
#endif
  return CompressPlain;
}

// A lane's whole blocks.
struct Cursor {
  const std::byte* blocks = nullptr;
  size_t left = 0;
};
using Cursors = std::array<Cursor, kMd5LaneCount>;

void AdvanceAlone(LaneStates& states, size_t lane, const Cursor& cursor) {
  State<uint32_t> state;
  for (size_t i = 0; i < 4; ++i) state[i] = states[i][lane];
  CompressAlone(state, cursor.blocks, cursor.left);
  for (size_t i = 0; i < 4; ++i) states[i][lane] = state[i];
}

void Advance(LaneStates& states, Cursors cursors) {
  while (true) {
    size_t run = SIZE_MAX;
    size_t active_count = 0;
    size_t active = 0;
    for (size_t lane = 0; lane < kMd5LaneCount; ++lane) {
      if (cursors[lane].left == 0) continue;
      run = std::min(run, cursors[lane].left);
      active = lane;
      ++active_count;
    }
    if (active_count == 0) return;
    if (active_count == 1) return AdvanceAlone(states, active, cursors[active]);
    LanePointers blocks;
    for (size_t lane = 0; lane < kMd5LaneCount; ++lane) {
      blocks[lane] = cursors[lane].left > 0 ? cursors[lane].blocks : cursors[active].blocks;
    }
    LaneStates after = states;
    static CompressFunction* const compress = FastestCompress();
    compress(after, blocks, run);
    for (size_t lane = 0; lane < kMd5LaneCount; ++lane) {
      if (cursors[lane].left == 0) continue;
      for (size_t i = 0; i < 4; ++i) states[i][lane] = after[i][lane];
      cursors[lane].blocks += run * kMd5BlockBytes;
      cursors[lane].left -= run;
    }
  }
}

}  // namespace

std::span<const std::byte> StreamMd5::FillPartial(std::span<const std::byte> bytes) {
  size_bytes_ += bytes.size();
  if (partial_bytes_ == 0) return bytes;
  const size_t taken = std::min(bytes.size(), kMd5BlockBytes - partial_bytes_);
  std::memcpy(partial_.data() + partial_bytes_, bytes.data(), taken);
  partial_bytes_ += taken;
  return bytes.subspan(taken);
}

void StreamMd5::KeepTail(std::span<const std::byte> bytes) {
  std::memcpy(partial_.data() + partial_bytes_, bytes.data(), bytes.size());
  partial_bytes_ += bytes.size();
}

void StreamMd5::Update(std::span<const std::byte> bytes) {
  Md5Batch batch;
  batch.Add(*this, bytes);
  batch.Run();
}

Md5Sum StreamMd5::Finish() {
  const uint64_t size_bits = size_bytes_ * 8;
  std::array<std::byte, 2 * kMd5BlockBytes> padding{std::byte{0x80}};
  const size_t until_length = (partial_bytes_ < 56 ? 56 : 56 + kMd5BlockBytes) - partial_bytes_;
  std::memcpy(padding.data() + until_length, &size_bits, sizeof(size_bits));
  Update(std::span(padding).first(until_length + sizeof(size_bits)));
  Md5Sum sum;
  std::memcpy(sum.data(), state_.data(), sum.size());
  return sum;
}

void Md5Batch::Add(StreamMd5& md5, std::span<const std::byte> bytes) {
  HR_CHECK(!is_full());
  updates_[count_++] = {.md5 = &md5, .bytes = bytes};
}

void Md5Batch::Run() {
  LaneStates states{};
  Cursors partials{};
  Cursors wholes{};
  for (size_t lane = 0; lane < count_; ++lane) {
    StreamMd5& md5 = *updates_[lane].md5;
    const auto bytes = md5.FillPartial(updates_[lane].bytes);
    if (md5.partial_bytes_ == kMd5BlockBytes) {
      partials[lane] = {.blocks = md5.partial_.data(), .left = 1};
      md5.partial_bytes_ = 0;
    }
    wholes[lane] = {.blocks = bytes.data(), .left = bytes.size() / kMd5BlockBytes};
    for (size_t i = 0; i < 4; ++i) states[i][lane] = md5.state_[i];
    updates_[lane].bytes = bytes.subspan(bytes.size() / kMd5BlockBytes * kMd5BlockBytes);
  }
  Advance(states, partials);
  Advance(states, wholes);
  for (size_t lane = 0; lane < count_; ++lane) {
    StreamMd5& md5 = *updates_[lane].md5;
    for (size_t i = 0; i < 4; ++i) md5.state_[i] = states[i][lane];
    md5.KeepTail(updates_[lane].bytes);
  }
  count_ = 0;
}

}  // namespace headrace
