// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/deliver/file/batch_delete.h"
#include "headrace/deliver/file/read_ahead.h"
#include "headrace/deliver/file/read_in_order.h"
#include "headrace/deliver/file/upload_stream.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"

namespace headrace::file {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::SeededText;

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() { EXPECT_THAT(blocking_.CreateBucket("b"), IsOk()); }

  // Reads `text` in pieces of odd sizes, as a pipe gives them.
  static ByteReader ReaderOf(std::string text) {
    return [text = std::move(text),
            offset = size_t{0}](std::span<std::byte> target) mutable -> Result<size_t> {
      constexpr size_t kPiece = 77;
      const size_t taken = std::min({target.size(), text.size() - offset, kPiece});
      std::ranges::copy(AsBytes(text).subspan(offset, taken), target.begin());
      offset += taken;
      return taken;
    };
  }
  Result<PutResult> Upload(const ByteReader& reader, const UploadStreamOptions& options) {
    const PutRequest request{.bucket = "b", .key = "k"};
    return UploadStream(
        store_, loops_, request, reader, [this](uint64_t size) { uploaded_ += size; }, {}, options);
  }
  Result<std::string> Read(fetch::FetchOptions options) {
    std::string text;
    const auto sink = [&text](std::span<const std::byte> bytes) -> Status {
      text += AsText(bytes);
      return Ok();
    };
    HR_TRY(ReadInOrder(store_, loops_, "b", "k", sink, {}, options));
    return text;
  }

  EventLoops loops_{2};
  MemoryStore store_{RealClock()};
  testing::BlockingStore blocking_{store_};
  std::atomic<uint64_t> uploaded_ = 0;
};

constexpr UploadStreamOptions kSmallParts{
    .part_size_bytes = 100, .memory_bytes_max = 300, .parts_in_flight_max = 8};

TEST_F(StreamTest, UploadsStreamsOfEveryLengthAroundThePartSize) {
  for (const size_t size : {0, 1, 99, 100, 101, 200, 1999}) {
    SCOPED_TRACE(size);
    const std::string text = SeededText(size, size);
    uploaded_ = 0;
    ASSERT_THAT(Upload(ReaderOf(text), kSmallParts), IsOk());
    EXPECT_EQ(*blocking_.Get("b", "k"), text);
    EXPECT_EQ(uploaded_, size);
  }
}

TEST_F(StreamTest, AStreamThatBreaksLeavesNoObjectBehind) {
  int reads = 0;
  const ByteReader reader = [&reads](std::span<std::byte> target) -> Result<size_t> {
    if (++reads == 4) return Fail(ErrorCode::kUnavailable, "the pipe broke");
    return target.size();
  };
  EXPECT_THAT(Upload(reader, kSmallParts), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(blocking_.Head("b", "k"), HasCode(ErrorCode::kNotFound));
}

TEST(StreamPartSize, GrowsOnceForStreamsOfUnknownLength) {
  const UploadStreamOptions options{.part_size_bytes = 10};
  EXPECT_EQ(StreamPartSize(1, options), 10U);
  EXPECT_EQ(StreamPartSize(5'000, options), 10U);
  EXPECT_EQ(StreamPartSize(5'001, options), 40U);
}

TEST(StreamPartSize, FitsTheExpectedSizeIntoTenThousandParts) {
  const uint64_t expected = 1ULL << 40U;
  const UploadStreamOptions options{.expected_size_bytes = expected};
  EXPECT_GE(StreamPartSize(1, options) * 10'000, expected);
  EXPECT_EQ(StreamPartSize(1, options), StreamPartSize(9'999, options));
}

TEST_F(StreamTest, ReadsObjectsInOrderWhateverTheirSize) {
  for (const size_t size : {0, 1, 99, 100, 101, 5000}) {
    SCOPED_TRACE(size);
    const std::string text = SeededText(size, size);
    ASSERT_THAT(blocking_.Put("b", "k", text), IsOk());
    const auto read = Read({.part_size_bytes = 100, .memory_bytes_max = 300});
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(*read, text);
  }
}

TEST_F(StreamTest, ReadingWhatIsNotThereIsNotFound) {
  EXPECT_THAT(Read({}), HasCode(ErrorCode::kNotFound));
}

TEST_F(StreamTest, ASinkThatFailsEndsTheRead) {
  ASSERT_THAT(blocking_.Put("b", "k", SeededText(1, 10'000)), IsOk());
  const auto sink = [](std::span<const std::byte>) -> Status {
    return Fail(ErrorCode::kResourceExhausted, "the disk is full");
  };
  EXPECT_THAT(ReadInOrder(store_, loops_, "b", "k", sink, {},
                          {.part_size_bytes = 100, .memory_bytes_max = 300}),
              HasCode(ErrorCode::kResourceExhausted));
}

TEST_F(StreamTest, DeletesInBatchesAndTellsOfEveryKey) {
  for (int i = 0; i < 25; ++i) ASSERT_THAT(blocking_.Put("b", std::to_string(i), "x"), IsOk());
  std::atomic<int> gone = 0;
  {
    BatchDelete deletes(
        store_, loops_, "b",
        [&gone](const std::string&, const Error* error) { gone += error == nullptr ? 1 : 0; }, {},
        {.keys_per_request = 10, .requests_in_flight_max = 2});
    for (int i = 0; i < 25; ++i) deletes.Add(std::to_string(i));
    deletes.Finish();
  }
  EXPECT_EQ(gone, 25);
  EXPECT_TRUE(blocking_.Keys("b")->empty());
}

TEST_F(StreamTest, ABatchThatFailsFailsEachOfItsKeys) {
  std::atomic<int> failed = 0;
  BatchDelete deletes(
      store_, loops_, "no-such-bucket",
      [&failed](const std::string&, const Error* error) { failed += error != nullptr ? 1 : 0; },
      {});
  deletes.Add("a");
  deletes.Add("b");
  deletes.Finish();
  EXPECT_EQ(failed, 2);
}

ItemSource<int> CountTo(int end, Status last) {
  return [next = 0, end, last]() mutable -> Result<std::optional<int>> {
    if (next < end) return next++;
    if (!last.has_value()) return std::unexpected(last.error());
    return std::nullopt;
  };
}

TEST(ReadAhead, GivesAllItemsInOrderThenTheEnd) {
  std::atomic<int> found = 0;
  std::atomic<bool> is_end = false;
  ReadAhead<int> ahead(CountTo(1000, Ok()), 3, [&](const int* item) {
    if (item == nullptr)
      is_end = true;
    else
      ++found;
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(**ahead.Next(), i);
  EXPECT_FALSE(ahead.Next()->has_value());
  EXPECT_FALSE(ahead.Next()->has_value());
  EXPECT_EQ(found, 1000);
  EXPECT_TRUE(is_end);
}

TEST(ReadAhead, GivesTheErrorBehindTheItemsBeforeIt) {
  ReadAhead<int> ahead(CountTo(1, Fail(ErrorCode::kUnavailable, "gone")), 10, [](const int*) {});
  EXPECT_EQ(**ahead.Next(), 0);
  EXPECT_THAT(ahead.Next(), HasCode(ErrorCode::kUnavailable));
}

TEST(ReadAhead, CanBeDroppedBeforeItsEnd) {
  ReadAhead<int> ahead(CountTo(1'000'000'000, Ok()), 2, [](const int*) {});
  EXPECT_EQ(**ahead.Next(), 0);
}

}  // namespace
}  // namespace headrace::file
