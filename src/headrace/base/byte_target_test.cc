// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/byte_target.h"

#include <array>

#include <gtest/gtest.h>

namespace headrace {
namespace {

class CountingMemory final : public TargetMemory {
 public:
  std::span<std::byte> Find() override {
    ++count;
    return bytes;
  }
  std::array<std::byte, 100> bytes{};
  int count = 0;
};

TEST(ByteTarget, FindsItsMemoryWhenToldTo) {
  CountingMemory memory;
  const ByteTarget target(80, memory);
  const ByteTarget middle = target.From(10).First(20).From(5);
  EXPECT_EQ(middle.size(), 15U);
  EXPECT_EQ(memory.count, 0);
  EXPECT_EQ(middle.Find().data(), memory.bytes.data() + 15);
  EXPECT_EQ(middle.Find().size(), 15U);
  EXPECT_EQ(target.Find().size(), 80U);
}

TEST(ByteTarget, TakesMemoryThatIsThere) {
  std::array<std::byte, 10> bytes{};
  const ByteTarget target = std::span<std::byte>(bytes);
  EXPECT_EQ(target.From(4).Find().data(), bytes.data() + 4);
  EXPECT_TRUE(target.From(10).empty());
  EXPECT_TRUE(ByteTarget().Find().empty());
}

}  // namespace
}  // namespace headrace
