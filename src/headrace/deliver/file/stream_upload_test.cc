// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/stream_upload.h"

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
