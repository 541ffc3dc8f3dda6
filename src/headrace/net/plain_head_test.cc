// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/plain_head.h"

#include <string>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::net {
namespace {

const std::string kNginx =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: application/octet-stream\r\n"
    "Content-Length: 102400\r\nConnection: keep-alive\r\nETag: \"6b031895-19000\"\r\n\r\n";
const std::string kS3 =
    "HTTP/1.1 206 Partial Content\r\nx-amz-id-2: a/b+c=\r\nx-amz-meta-a: one\r\n"
    "x-amz-meta-a: two\r\ncontent-length:   10 \r\nCONNECTION: Close\r\n"
    "Content-Range: bytes 0-9/100\r\n\r\n";

TEST(PlainHead, ReadsWhatServersSend) {
  const auto nginx = ParsePlainHead(kNginx);
  ASSERT_TRUE(nginx.has_value());
  EXPECT_EQ(nginx->head.status, 200);
  EXPECT_EQ(nginx->head.headers.Value("etag"), "\"6b031895-19000\"");
  EXPECT_EQ(nginx->framing.content_length, 102'400U);
  EXPECT_TRUE(nginx->keep_alive);
  EXPECT_EQ(nginx->head_size_bytes, kNginx.size());

  const auto s3 = ParsePlainHead(kS3);
  ASSERT_TRUE(s3.has_value());
  EXPECT_EQ(s3->head.headers.fields().size(), 6U);
  EXPECT_EQ(s3->head.headers.Value("Content-Length"), "10");
  EXPECT_FALSE(s3->keep_alive);
}

TEST(PlainHead, LeavesTheRestToTheWholeParser) {
  for (const char* head : {
           "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: a, close\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nProxy-Connection: close\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nUpgrade: h2c\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: folded\r\n over\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA : b\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: \r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: b\nB: c\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: \xc3\xa9\r\n\r\n",
           "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n",
           "ICY 200 OK\r\nContent-Length: 1\r\n\r\n",
       }) {
    EXPECT_FALSE(ParsePlainHead(head).has_value()) << head;
  }
}

// Heads a few bytes off the usual ones: what is taken for plain, the whole parser takes for the
// same.
TEST(PlainHead, AgreesWithTheWholeParserWhereItDecides) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto below = [&](size_t bound) -> size_t { return random.Below(bound); };
  constexpr std::string_view kBytes = "\r\n\t :,;\"/aZ019-_~\x7f\x80";
  int plain_count = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string head = below(2) == 0 ? kNginx : kS3;
    for (size_t changes = below(4); changes > 0; --changes) {
      const size_t place = below(head.size() - 4);
      const char byte = kBytes[below(kBytes.size())];
      if (below(3) == 0) {
        head.erase(place, 1);
      } else if (below(2) == 0) {
        head.insert(place, 1, byte);
      } else {
        head[place] = byte;
      }
    }
    if (head.find("\r\n\r\n") != head.size() - 4) continue;
    const auto plain = ParsePlainHead(head);
    if (!plain) continue;
    ++plain_count;
    const auto whole = ParseAnyResponseHead(head, false);
    ASSERT_TRUE(whole.has_value() && whole->has_value()) << head;
    const ParsedHead<HttpResponseHead>& other = **whole;
    ASSERT_EQ(plain->head.status, other.head.status) << head;
    ASSERT_EQ(plain->head.headers.fields(), other.head.headers.fields()) << head;
    ASSERT_EQ(plain->framing.content_length, other.framing.content_length) << head;
    ASSERT_EQ(plain->framing.is_chunked, other.framing.is_chunked) << head;
    ASSERT_EQ(plain->keep_alive, other.keep_alive) << head;
    ASSERT_EQ(plain->is_http_1_0, other.is_http_1_0) << head;
    ASSERT_EQ(plain->head_size_bytes, other.head_size_bytes) << head;
  }
  EXPECT_GT(plain_count, 5'000);
}

}  // namespace
}  // namespace headrace::net
