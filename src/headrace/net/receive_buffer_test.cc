// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/receive_buffer.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::net {
namespace {

// A wire that gives a receive at most as much as it has room for, and at most `limit`.
struct Wire {
  std::string_view rest;

  void Receive(ReceiveBuffer& buffer, size_t limit) {
    const ReceiveBuffer::Room room = buffer.NextRoom();
    size_t got = 0;
    for (const auto& piece : room) {
      const size_t count = std::min({piece.size(), rest.size(), limit - got});
      if (count > 0) std::memcpy(piece.data(), rest.data(), count);
      rest.remove_prefix(count);
      got += count;
      if (count < piece.size()) break;
    }
    buffer.Commit(got);
  }
};

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Takes one answer as the client does and gives back its body.
std::string TakeAnswer(ReceiveBuffer& buffer, Wire& wire, std::vector<std::byte>& target,
                       size_t body_bytes, const std::function<size_t()>& limit) {
  buffer.BeginAnswer(std::span(target));
  while (true) {
    const std::span<const char> head = buffer.buffered();
    const size_t end = std::string_view(head.data(), head.size()).find(kHeadEnd);
    if (end != std::string_view::npos) {
      buffer.Consume(end + kHeadEnd.size());
      buffer.EndHead(end + kHeadEnd.size(), true);
      break;
    }
    if (!buffer.PullBack()) wire.Receive(buffer, limit());
  }
  size_t filled = 0;
  while (filled < body_bytes) {
    const auto rest = std::span(target).subspan(filled, body_bytes - filled);
    size_t got = buffer.Read(rest.first(std::min(rest.size(), limit())));
    if (got == 0) {
      got = std::min({rest.size(), wire.rest.size(), limit()});
      std::memcpy(rest.data(), wire.rest.data(), got);
      wire.rest.remove_prefix(got);
    }
    filled += got;
  }
  EXPECT_FALSE(buffer.has_unread());
  buffer.EndAnswer();
  return {reinterpret_cast<const char*>(target.data()), body_bytes};
}

// A chunked body is decoded from the buffer into the reader's place, which is the landing.
TEST(ReceiveBuffer, WhatIsTakenApartNeverLands) {
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  std::vector<std::byte> target(64 * 1024);
  ReceiveBuffer buffer;
  for (int answer = 0; answer < 2; ++answer) {
    Wire wire{head};
    buffer.BeginAnswer(std::span(target));
    wire.Receive(buffer, head.size());
    buffer.Consume(head.size());
    buffer.EndHead(head.size(), false);
    EXPECT_TRUE(buffer.NextRoom()[1].empty()) << "answer " << answer;
    buffer.EndAnswer();
  }
}

TEST(ReceiveBuffer, ALandingIsFoundWithTheFirstRoomInIt) {
  class Memory final : public TargetMemory {
   public:
    std::span<std::byte> Find() override {
      is_found = true;
      return bytes;
    }
    std::vector<std::byte> bytes = std::vector<std::byte>(1000);
    bool is_found = false;
  };
  const std::string head = "HTTP/1.1 200 OK" + std::string(kHeadEnd);
  Memory memory;
  ReceiveBuffer buffer;
  for (const bool knows_head_size : {false, true}) {
    SCOPED_TRACE(knows_head_size);
    buffer.BeginAnswer(ByteTarget(1000, memory));
    EXPECT_EQ(buffer.is_about_to_land(), knows_head_size);
    EXPECT_FALSE(memory.is_found);
    Wire wire{head};
    wire.Receive(buffer, head.size());
    EXPECT_EQ(memory.is_found, knows_head_size);
    buffer.Consume(head.size());
    buffer.EndHead(head.size(), true);
    EXPECT_FALSE(buffer.is_about_to_land());
    buffer.EndAnswer();
  }
}

TEST(ReceiveBuffer, TheSecondAnswerOfOneLengthComesInOneReceiveAtItsPlace) {
  ReceiveBuffer buffer;
  std::vector<std::byte> target(100'000);
  const auto all_at_once = [] { return size_t{1} << 30U; };
  const std::string answer = "head" + std::string(kHeadEnd) + std::string(100'000, 'b');
  Wire first{.rest = answer};
  TakeAnswer(buffer, first, target, 100'000, all_at_once);

  Wire second{.rest = answer};
  buffer.BeginAnswer(std::span(target));
  second.Receive(buffer, all_at_once());
  EXPECT_TRUE(second.rest.empty());
  EXPECT_EQ(buffer.buffered().size(), 8U);
  buffer.Consume(8);
  buffer.EndHead(8, true);
  EXPECT_EQ(buffer.Read(target), 100'000U);
  EXPECT_FALSE(buffer.has_unread());
}

// Whatever the heads' lengths are, in whatever pieces they come, and however much the target takes.
TEST(ReceiveBuffer, RandomAnswersArriveWhole) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto below = [&](size_t bound) -> size_t { return random.Below(bound); };
  for (int connection = 0; connection < 40; ++connection) {
    ReceiveBuffer buffer;
    const bool in_pieces = below(2) == 0;
    const auto limit = [&] { return in_pieces ? 1 + below(5'000) : size_t{1} << 30U; };
    size_t head_size = 20 + below(300);
    for (int answer = 0; answer < 60; ++answer) {
      if (below(8) == 0) head_size = below(4) == 0 ? 10 + below(30'000) : 10 + below(300);
      const size_t body_size = below(3) == 0 ? below(400'000) : below(40'000);
      std::string body(body_size, '\0');
      for (char& c : body) c = static_cast<char>('a' + below(26));
      const std::string wire_bytes = std::string(head_size, 'h') + std::string(kHeadEnd) + body;
      Wire wire{.rest = wire_bytes};
      std::vector<std::byte> target(body_size);
      ASSERT_EQ(TakeAnswer(buffer, wire, target, body_size, limit), body) << answer;
    }
  }
}

TEST(ReceiveBuffer, BytesBeyondTheTargetAreKeptBehindIt) {
  ReceiveBuffer buffer;
  std::vector<std::byte> target(20'000);
  const auto all_at_once = [] { return size_t{1} << 30U; };
  const std::string first_answer = std::string(300, 'h') + std::string(kHeadEnd);
  Wire first{.rest = first_answer};
  TakeAnswer(buffer, first, target, 0, all_at_once);

  // A shorter head, and more than was asked for: the target is full, the rest waits.
  const std::string body = std::string(20'000, 'b') + std::string(150, 'c');
  const std::string second_answer = std::string(100, 'h') + std::string(kHeadEnd) + body;
  Wire second{.rest = second_answer};
  buffer.BeginAnswer(std::span(target));
  second.Receive(buffer, all_at_once());
  EXPECT_TRUE(second.rest.empty());
  buffer.Consume(104);
  buffer.EndHead(104, true);
  std::string read;
  std::vector<std::byte> piece(4'000);
  while (const size_t got = buffer.Read(piece)) {
    read.append(reinterpret_cast<const char*>(piece.data()), got);
  }
  EXPECT_EQ(read, body);
}

TEST(ReceiveBuffer, ABodyThatIsTakenApartComesToTheBufferAsAWhole) {
  ReceiveBuffer buffer;
  std::vector<std::byte> target(20'000);
  const auto all_at_once = [] { return size_t{1} << 30U; };
  const std::string head = std::string(100, 'h') + std::string(kHeadEnd);
  Wire first{.rest = head};
  TakeAnswer(buffer, first, target, 0, all_at_once);
  const std::string body(15'000, 'c');
  const std::string answer = head + body;
  Wire second{.rest = answer};
  buffer.BeginAnswer(std::span(target));
  second.Receive(buffer, all_at_once());
  buffer.Consume(head.size());
  buffer.EndHead(head.size(), false);
  EXPECT_EQ(std::string_view(buffer.buffered().data(), buffer.buffered().size()), body);
}

}  // namespace
}  // namespace headrace::net
