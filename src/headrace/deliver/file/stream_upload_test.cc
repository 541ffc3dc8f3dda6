// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/stream_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"
#include "headrace/fetch/ordered_reader.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::file {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::IsOk;

class StreamUploadTest : public ::testing::Test {
 protected:
  StreamUploadTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }

  Result<PutResult> WriteInPieces(const std::string& text, size_t piece_bytes) {
    StreamUpload upload(memory_, loops_, {.bucket = "data", .key = "k"},
                        {.part_size_bytes = 100, .parts_in_flight_max = 2}, {});
    for (size_t at = 0; at < text.size(); at += piece_bytes) {
      HR_TRY(upload.Write(AsBytes(text).subspan(at, std::min(piece_bytes, text.size() - at))));
    }
    return upload.Finish();
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
};

TEST_F(StreamUploadTest, OnePartIsOnePutAndMoreAreAnUploadInParts) {
  for (const size_t size : {0, 1, 99, 100, 101, 200, 201, 1234}) {
    SCOPED_TRACE(size);
    std::string text(size, 'x');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31);
    for (const size_t piece : {1, 7, 100, 5000}) {
      const auto put = WriteInPieces(text, piece);
      ASSERT_THAT(put, IsOk());
      EXPECT_EQ(store_.Get("data", "k").value(), text);
      EXPECT_EQ(put->etag.find('-') != std::string::npos, size > 100);
    }
  }
}

TEST(StreamPartSize, DoublesEveryThousandPartsUpToTheLimitOnMemory) {
  constexpr uint64_t kMebibyte = 1ULL << 20U;
  const StreamUploadOptions options;
  EXPECT_EQ(StreamPartSize(0, options), 8 * kMebibyte);
  EXPECT_EQ(StreamPartSize(999, options), 8 * kMebibyte);
  EXPECT_EQ(StreamPartSize(1'000, options), 16 * kMebibyte);
  EXPECT_EQ(StreamPartSize(4'999, options), 128 * kMebibyte);
  EXPECT_EQ(StreamPartSize(5'000, options), 192 * kMebibyte);
  EXPECT_EQ(StreamPartSize(9'999, options), 192 * kMebibyte);
  EXPECT_EQ(StreamBytesMax(options), (248'000 + 5'000 * 192) * kMebibyte);
}

TEST(StreamPartSize, OfAKnownLengthIsEvenAndNeverAboveTheLimit) {
  const StreamUploadOptions options{.part_size_bytes = 500, .memory_bytes_max = 400};
  EXPECT_EQ(StreamPartSize(0, options), 400U);
  EXPECT_EQ(StreamPartSize(9'999, options), 400U);
  EXPECT_EQ(StreamBytesMax(options), 4'000'000U);
}

TEST_F(StreamUploadTest, HoldsNoMoreThanItsMemoryHoweverLargeThePartsGrow) {
  const StreamUploadOptions options{
      .part_size_bytes = 2, .parts_in_flight_max = 4, .memory_bytes_max = 6};
  // The first thousand parts take 2 bytes, the next 4, and all others 6: one at a time.
  const std::string text(2'000 + 4'000 + 600, 'x');
  StreamUpload upload(memory_, loops_, {.bucket = "data", .key = "k"}, options, {});
  ASSERT_THAT(upload.Write(AsBytes(text)), IsOk());
  const auto put = upload.Finish();
  ASSERT_THAT(put, IsOk());
  EXPECT_TRUE(put->etag.ends_with("-2100")) << put->etag;
  EXPECT_EQ(store_.Get("data", "k").value(), text);
  EXPECT_EQ(upload.memory_bytes_peak(), 6U);
}

TEST_F(StreamUploadTest, AStreamBeyondTenThousandPartsIsRefusedByName) {
  const StreamUploadOptions options{.part_size_bytes = 1, .memory_bytes_max = 1};
  StreamUpload upload(memory_, loops_, {.bucket = "data", .key = "k"}, options, {});
  const std::string text(10'001, 'x');
  const Status written = upload.Write(AsBytes(text));
  ASSERT_THAT(written, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(written.error().message(), ::testing::HasSubstr("s3://data/k"));
}

TEST_F(StreamUploadTest, DroppedBeforeFinishNothingAppears) {
  {
    StreamUpload upload(memory_, loops_, {.bucket = "data", .key = "k"},
                        {.part_size_bytes = 100, .parts_in_flight_max = 2}, {});
    const std::string text(1000, 'x');
    ASSERT_THAT(upload.Write(AsBytes(text)), IsOk());
  }
  EXPECT_THAT(store_.Head("data", "k"), HasCode(ErrorCode::kNotFound));
}

TEST_F(StreamUploadTest, AMissingBucketIsToldAtTheNextWriteOrAtTheEnd) {
  StreamUpload upload(memory_, loops_, {.bucket = "none", .key = "k"},
                      {.part_size_bytes = 10, .parts_in_flight_max = 2}, {});
  const std::string text(5, 'x');
  ASSERT_THAT(upload.Write(AsBytes(text)), IsOk());
  EXPECT_THAT(upload.Finish(), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace headrace::file
