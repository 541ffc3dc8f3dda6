// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headrace {

// MD5 cannot be computed in parallel within one message, but several messages can go side by side
// through the lanes of one vector: eight cost little more than one. Only for ETags, never for
// anything that must withstand an attacker.

inline constexpr size_t kMd5LaneCount = 8;
inline constexpr size_t kMd5BlockBytes = 64;
using Md5Sum = std::array<std::byte, 16>;

// One message's digest so far. A value; not shared between threads.
class StreamMd5 {
 public:
  void Update(std::span<const std::byte> bytes);
  // Afterwards it is not updated any more.
  Md5Sum Finish();

 private:
  friend class Md5Batch;
  // Takes bytes up to the next whole block; gives what is left of `bytes`.
  std::span<const std::byte> FillPartial(std::span<const std::byte> bytes);
  void KeepTail(std::span<const std::byte> bytes);

  std::array<uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t size_bytes_ = 0;
  std::array<std::byte, kMd5BlockBytes> partial_;
  size_t partial_bytes_ = 0;
};

// Updates of up to kMd5LaneCount different messages, carried out together.
class Md5Batch {
 public:
  bool is_full() const { return count_ == kMd5LaneCount; }
  bool is_empty() const { return count_ == 0; }
  // Both live until Run() is over. Not when full, and no message twice.
  void Add(StreamMd5& md5, std::span<const std::byte> bytes);
  void Run();

 private:
  struct Update {
    StreamMd5* md5;
    std::span<const std::byte> bytes;
  };
  std::array<Update, kMd5LaneCount> updates_;
  size_t count_ = 0;
};

}  // namespace headrace
