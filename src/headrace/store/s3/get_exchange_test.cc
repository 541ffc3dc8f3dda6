// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/get_exchange.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/checksum.h"
#include "headrace/base/encoding.h"
#include "testing/result_matchers.h"
#include "testing/scripted_s3.h"
#include "testing/seeded_bytes.h"

namespace headrace::s3 {
namespace {

using testing::HasCode;
using testing::HasMessage;
using testing::IsOk;
using testing::Reply;

class GetTest : public testing::ScriptedS3 {
 protected:
  Result<GetResult> Get(std::optional<ByteRange> range, size_t room_bytes,
                        std::string if_match = {}) {
    target_.assign(room_bytes, '\0');
    GetRequest request{.bucket = "bucket", .key = "key", .range = range};
    request.conditions.if_match = std::move(if_match);
    request.target = std::as_writable_bytes(std::span(target_));
    return store().Run(s3().Get(request, {}));
  }
  // What arrived of the object, byte for byte.
  std::string target_;
};

const std::string kText = "0123456789abcdefghij";

Reply Whole(testing::HeaderList more = {}) {
  Reply reply{.headers = {{"ETag", "\"v1\""}}, .body = kText};
  reply.headers.insert(reply.headers.end(), more.begin(), more.end());
  return reply;
}
Reply Part(size_t begin, size_t end, const std::string& etag = "v1") {
  return {.status = 206,
          .headers = {{"ETag", "\"" + etag + "\""},
                      {"Content-Range", "bytes " + std::to_string(begin) + "-" +
                                            std::to_string(end - 1) + "/" +
                                            std::to_string(kText.size())}},
          .body = kText.substr(begin, end - begin)};
}
Reply Cut(Reply reply, size_t body_bytes) {
  reply.cut_after_bytes = reply.head_size_bytes() + body_bytes;
  return reply;
}

TEST_F(GetTest, BodiesComeOverTlsWhereTheEndpointSpeaksTls) {
  EXPECT_FALSE(s3().is_over_tls());
  S3Settings settings = Settings();
  settings.endpoint_url = "https://127.0.0.1:1";
  Open(settings, Environment());
  EXPECT_TRUE(s3().is_over_tls());
}

TEST_F(GetTest, WithoutAnETagABrokenBodyIsReadFromItsStart) {
  peer_.Then(Cut({.body = kText}, 7)).Then({.body = kText});
  ASSERT_THAT(Get(std::nullopt, kText.size()), IsOk());
  EXPECT_EQ(target_, kText);
  EXPECT_EQ(peer_.requests().at(1).Header("Range"), "");
}

TEST_F(GetTest, AfterAnAnswerTheConnectionIsKept) {
  peer_.Then({.status = 503, .body = "<Error><Code>SlowDown</Code></Error>"}).Then(Whole());
  ASSERT_THAT(Get(std::nullopt, kText.size()), IsOk());
  EXPECT_EQ(peer_.requests().size(), 2U);
  EXPECT_EQ(peer_.connection_count(), 1U);
}

TEST_F(GetTest, AfterATryThatBroughtNothingGoodTheConnectionIsFresh) {
  peer_.Then(Whole({{"x-amz-checksum-crc32c", "AAAAAA=="}})).Then(Whole());
  ASSERT_THAT(Get(std::nullopt, kText.size()), IsOk());
  EXPECT_EQ(peer_.requests().size(), 2U);
  EXPECT_EQ(peer_.connection_count(), 2U);
  EXPECT_EQ(peer_.requests().at(1).Header("Connection"), "");
}

TEST_F(GetTest, ACallerMayAskForAFreshConnection) {
  peer_.Then(Whole()).Then(Whole());
  target_.assign(kText.size(), '\0');
  GetRequest request{.bucket = "bucket", .key = "key"};
  request.target = std::as_writable_bytes(std::span(target_));
  ASSERT_THAT(store().Run(s3().Get(request, {})), IsOk());
  request.needs_fresh_connection = true;
  ASSERT_THAT(store().Run(s3().Get(request, {})), IsOk());
  EXPECT_EQ(peer_.connection_count(), 2U);
}

TEST_F(GetTest, ItsMemoryIsFoundWhenAnAnswerHasBegun) {
  class Memory final : public TargetMemory {
   public:
    explicit Memory(const testing::ScriptedPeer& peer) : peer_(peer) {}
    std::span<std::byte> Find() override {
      requests_when_found.push_back(peer_.requests().size());
      return std::as_writable_bytes(std::span(text));
    }
    std::string text = std::string(kText.size(), '\0');
    std::vector<size_t> requests_when_found;

   private:
    const testing::ScriptedPeer& peer_;
  };
  peer_.Then({.status = 503}).Then(Cut(Whole(), 7)).Then(Part(7, kText.size()));
  Memory memory(peer_);
  GetRequest request{.bucket = "bucket", .key = "key"};
  request.target = ByteTarget(kText.size(), memory);
  ASSERT_THAT(store().Run(s3().Get(request, {})), IsOk());
  EXPECT_EQ(memory.text, kText);
  EXPECT_EQ(memory.requests_when_found.front(), 2U);
  EXPECT_EQ(memory.requests_when_found.back(), 3U);
}

TEST_F(GetTest, TellsWhenTheLatestTrysAnswerBegan) {
  peer_.Then(Cut(Whole(), 7)).Then(Part(7, kText.size()));
  target_.assign(kText.size(), '\0');
  GetProgress progress;
  GetRequest request{.bucket = "bucket", .key = "key"};
  request.target = std::as_writable_bytes(std::span(target_));
  request.progress = &progress;
  const SteadyTime begin = std::chrono::steady_clock::now();
  ASSERT_THAT(store().Run(s3().Get(request, {})), IsOk());
  EXPECT_GE(progress.first_byte_at, begin);
  EXPECT_LE(progress.first_byte_at, std::chrono::steady_clock::now());
}

TEST_F(GetTest, ARangeIsReadIntoTheTarget) {
  peer_.Then(Part(5, 9));
  const auto got = Get(ByteRange{.begin = 5, .end = 9}, 4, "v1");
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target_, "5678");
  EXPECT_EQ(got->size_bytes, 4U);
  EXPECT_EQ(got->head.info.size_bytes, kText.size());
  EXPECT_EQ(peer_.requests().at(0).Header("Range"), "bytes=5-8");
  EXPECT_EQ(peer_.requests().at(0).Header("If-Match"), "\"v1\"");
}

TEST_F(GetTest, ABrokenBodyIsContinuedFromItsLastByteWithTheSameEtag) {
  peer_.Then(Cut(Whole(), 7));
  peer_.Then(Cut(Part(7, 20), 4));
  peer_.Then(Part(11, 20));
  const auto got = Get(std::nullopt, kText.size());
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target_, kText);
  EXPECT_EQ(got->size_bytes, kText.size());
  const auto sent = peer_.requests();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[1].Header("Range"), "bytes=7-19");
  EXPECT_EQ(sent[1].Header("If-Match"), "\"v1\"");
  EXPECT_EQ(sent[2].Header("Range"), "bytes=11-19");
}

TEST_F(GetTest, ABrokenRangeIsContinuedInsideTheRange) {
  peer_.Then(Cut(Part(2, 12), 3));
  peer_.Then(Part(5, 12));
  const auto got = Get(ByteRange{.begin = 2, .end = 12}, 10);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target_, kText.substr(2, 10));
  EXPECT_EQ(peer_.requests().at(1).Header("Range"), "bytes=5-11");
}

TEST_F(GetTest, AnObjectReplacedInTheMiddleIsNeverMixed) {
  peer_.Then(Cut(Whole(), 7));
  peer_.Then({.status = 412, .body = "<Error><Code>PreconditionFailed</Code></Error>"});
  EXPECT_THAT(Get(std::nullopt, kText.size()), HasCode(ErrorCode::kPreconditionFailed));
  // A server that passes over If-Match gives itself away by the ETag.
  peer_.Then(Cut(Whole(), 7));
  peer_.Then(Part(7, 20, "v2"));
  EXPECT_THAT(Get(std::nullopt, kText.size()), HasCode(ErrorCode::kPreconditionFailed));
  peer_.Then(Whole());
  EXPECT_THAT(Get(std::nullopt, kText.size(), "v0"), HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(GetTest, MoreBytesThanTheTargetHoldsAreAnotherVersion) {
  peer_.Then(Whole());
  const auto got = Get(std::nullopt, kText.size() - 1);
  EXPECT_THAT(got, HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_THAT(got, HasMessage("s3://bucket/key"));
}

TEST_F(GetTest, AServerWithoutRangesIsRefused) {
  peer_.Then(Whole());
  EXPECT_THAT(Get(ByteRange{.begin = 5, .end = 9}, 4), HasCode(ErrorCode::kUnsupported));
  peer_.Then(Whole());
  EXPECT_THAT(Get(ByteRange{.begin = 0, .end = 9}, 9), HasCode(ErrorCode::kUnsupported));
}

TEST_F(GetTest, AServerThatDoesNotResumeIsAskedForAllAgain) {
  peer_.Then(Cut(Whole(), 7));
  peer_.Then(Whole());
  peer_.Then(Whole());
  const auto got = Get(std::nullopt, kText.size());
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target_, kText);
  const auto sent = peer_.requests();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[1].Header("Range"), "bytes=7-19");
  EXPECT_EQ(sent[2].Header("Range"), "");
}

TEST_F(GetTest, ARangeOfAnEmptyObjectIsEmpty) {
  const Reply unsatisfiable{.status = 416, .body = "<Error><Code>InvalidRange</Code></Error>"};
  peer_.Then(unsatisfiable);
  peer_.Then({.raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"v1\"\r\n\r\n"});
  const auto empty = Get(ByteRange{.begin = 0, .end = 8}, 8);
  ASSERT_THAT(empty, IsOk());
  EXPECT_EQ(empty->size_bytes, 0U);
  peer_.Then(unsatisfiable);
  peer_.Then({.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"v1\"\r\n\r\n"});
  EXPECT_THAT(Get(ByteRange{.begin = 8, .end = 16}, 8), HasCode(ErrorCode::kInvalidArgument));
}

TEST_F(GetTest, AWholeObjectIsTestedAgainstItsChecksum) {
  for (const ChecksumAlgorithm algorithm :
       {ChecksumAlgorithm::kCrc32, ChecksumAlgorithm::kCrc32c, ChecksumAlgorithm::kCrc64Nvme,
        ChecksumAlgorithm::kSha1, ChecksumAlgorithm::kSha256}) {
    const std::string name = "x-amz-checksum-" + std::string(ChecksumHeaderSuffix(algorithm));
    const std::string good = ChecksumOf(algorithm, AsBytes(kText)).value;
    const std::string bad = ChecksumOf(algorithm, AsBytes("other")).value;
    // Broken in the middle: the sum goes on where the bytes do.
    peer_.Then(Cut(Whole({{name, good}}), 9));
    peer_.Then(Part(9, 20));
    EXPECT_THAT(Get(std::nullopt, kText.size()), IsOk()) << name;
    // A wrong sum is read again, and then believed.
    peer_.Then(Whole({{name, bad}}));
    peer_.Then(Whole({{name, good}}));
    EXPECT_THAT(Get(std::nullopt, kText.size()), IsOk()) << name;
    EXPECT_EQ(peer_.requests().back().Header("Range"), "");
    EXPECT_EQ(target_, kText);
    for (int i = 0; i < 2; ++i) peer_.Then(Whole({{name, bad}}));
    EXPECT_THAT(Get(std::nullopt, kText.size()), HasCode(ErrorCode::kCorrupt)) << name;
  }
  EXPECT_EQ(peer_.requests().at(0).Header("x-amz-checksum-mode"), "ENABLED");
}

TEST_F(GetTest, AChecksumOfPartChecksumsIsNotTested) {
  peer_.Then(Whole({{"x-amz-checksum-crc32c", "AAAAAA==-3"}}));
  EXPECT_THAT(Get(std::nullopt, kText.size()), IsOk());
  peer_.Then(Whole({{"x-amz-checksum-crc32c", "AAAAAA=="}, {"x-amz-checksum-type", "COMPOSITE"}}));
  EXPECT_THAT(Get(std::nullopt, kText.size()), IsOk());
}

TEST_F(GetTest, ABodyWithoutAnnouncedLengthIsReadToItsEnd) {
  const std::string head = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n";
  peer_.Then({.raw = head + "5\r\n01234\r\n", .end = testing::PeerEnd::kClose});
  peer_.Then({.raw = head + "5\r\n01234\r\n3\r\n567\r\n0\r\n\r\n"});
  const auto got = Get(std::nullopt, 20);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->size_bytes, 8U);
  EXPECT_EQ(target_.substr(0, 8), "01234567");
  EXPECT_EQ(peer_.requests().at(1).Header("Range"), "");
  peer_.Then({.raw = head + "5\r\n01234\r\n3\r\n567\r\n0\r\n\r\n"});
  EXPECT_THAT(Get(std::nullopt, 7), HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(GetTest, ABodyCutAtEveryByteArrivesWhole) {
  const std::string bytes = testing::SeededText(7, 3000);
  peer_.SetHandler([&bytes](const testing::ReceivedRequest& request) {
    size_t begin = 0;
    const std::string range = request.Header("Range");
    if (!range.empty()) begin = std::stoul(range.substr(6));
    Reply reply{.status = range.empty() ? 200 : 206,
                .headers = {{"ETag", "\"v1\""}},
                .body = bytes.substr(begin)};
    if (!range.empty()) {
      reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(begin) + "-2999/3000");
    } else {
      reply.headers.emplace_back("x-amz-checksum-crc64nvme",
                                 ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, AsBytes(bytes)).value);
    }
    // Every answer brings 1,000 bytes and breaks.
    return Cut(reply, std::min<size_t>(1000, bytes.size() - begin));
  });
  const auto got = Get(std::nullopt, bytes.size());
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target_, bytes);
}

}  // namespace
}  // namespace headrace::s3
