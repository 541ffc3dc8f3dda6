// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/md5_lanes.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/md5_queue.h"
#include "headrace/base/random.h"

namespace headrace {
namespace {

std::string Md5Of(std::string_view text) {
  RunningDigest digest(DigestKind::kMd5);
  digest.Update(AsBytes(text));
  return HexEncode(AsBytes(digest.Finish()));
}

std::string RandomText(Random& random, size_t size_bytes) {
  std::string text(size_bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

std::string Hex(StreamMd5& md5) { return HexEncode(md5.Finish()); }

TEST(StreamMd5, GivesTheStandardsExamples) {
  StreamMd5 empty;
  EXPECT_EQ(Hex(empty), "d41d8cd98f00b204e9800998ecf8427e");
  StreamMd5 alphabet;
  alphabet.Update(AsBytes("abcdefghijklmnopqrstuvwxyz"));
  EXPECT_EQ(Hex(alphabet), "c3fcd3d76192e4007dfb496cca67e13b");
}

TEST(StreamMd5, AgreesWithTheLibraryAtEveryLength) {
  Random random(7);
  for (size_t size = 0; size < 300; ++size) {
    const std::string text = RandomText(random, size);
    StreamMd5 md5;
    md5.Update(AsBytes(text).first(size / 3));
    md5.Update(AsBytes(text).subspan(size / 3));
    EXPECT_EQ(Hex(md5), Md5Of(text)) << size;
  }
}

TEST(Md5Batch, MessagesSideBySideStayApart) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    const size_t count = 1 + random.Below(kMd5LaneCount);
    std::vector<std::string> texts;
    for (size_t i = 0; i < count; ++i) texts.push_back(RandomText(random, random.Below(1500)));
    std::vector<StreamMd5> sums(count);
    std::vector<size_t> done(count);
    for (int step = 0; step < 5; ++step) {
      Md5Batch batch;
      for (size_t i = 0; i < count; ++i) {
        const size_t left = texts[i].size() - done[i];
        const size_t piece = step == 4 ? left : random.Below(left + 1);
        batch.Add(sums[i], AsBytes(texts[i]).subspan(done[i], piece));
        done[i] += piece;
      }
      batch.Run();
    }
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(Hex(sums[i]), Md5Of(texts[i]));
  }
}

Task<std::string> SumInPieces(std::string text, size_t piece_bytes) {
  StreamMd5 md5;
  Md5Piece piece(Md5Queue::Shared());
  for (size_t begin = 0; begin < text.size(); begin += piece_bytes) {
    const std::span<const std::byte> all = AsBytes(text);
    co_await piece.Settle();
    const auto bytes = all.subspan(begin, std::min(piece_bytes, all.size() - begin));
    piece.Begin(md5, bytes, begin + piece_bytes >= all.size());
  }
  co_await piece.Settle();
  co_return Hex(md5);
}

TEST(Md5Queue, SumsTheTasksOfAllLoopsTogether) {
  EventLoops loops(2);
  Random random(3);
  std::vector<std::string> texts;
  std::vector<std::future<std::string>> sums;
  // More tasks than lanes, so that batches fill up and overlap.
  for (size_t i = 0; i < 2 * kMd5LaneCount + 3; ++i) {
    texts.push_back(RandomText(random, 200'000 + 777 * i));
    auto promise = std::make_shared<std::promise<std::string>>();
    sums.push_back(promise->get_future());
    Spawn(loops.At(i % 2), SumInPieces(texts.back(), 17'000 + 1000 * i),
          [promise](std::string sum) { promise->set_value(std::move(sum)); });
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(sums[i].get(), Md5Of(texts[i])) << i;
}

TEST(Md5Queue, ForgetsAPieceThatIsGivenUp) {
  Md5Queue queue;
  StreamMd5 given_up;
  StreamMd5 kept;
  EventLoops loops(1);
  const std::string text = "abc";
  Md5Piece piece(queue);
  {
    const std::string gone(100'000, 'x');
    Md5Piece other(queue);
    other.Begin(given_up, AsBytes(gone), false);
  }
  piece.Begin(kept, AsBytes(text), true);
  std::promise<void> settled;
  asio::co_spawn(loops.At(0), piece.Settle(),
                 [&](const std::exception_ptr&) { settled.set_value(); });
  settled.get_future().wait();
  EXPECT_EQ(Hex(kept), Md5Of(text));
}

}  // namespace
}  // namespace headrace
