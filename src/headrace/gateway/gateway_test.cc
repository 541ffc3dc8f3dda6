// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/gateway.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/work_pool.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/sigv4.h"
#include "testing/blocking_store.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"
#include "testing/socket.h"
#include "testing/temp_dir.h"

namespace headrace::gateway {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using headrace::testing::ManualClock;
using headrace::testing::Socket;
using headrace::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A request as text on the wire.
struct Request {
  std::string method = "GET";
  std::string path = "/bucket/key";
  std::string query;
  net::HttpHeaders headers;
  std::string body;
};

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    EXPECT_THAT(blocking_.CreateBucket("bucket"), IsOk());
    EXPECT_THAT(blocking_.Put("bucket", "key", "text"), IsOk());
    server_ = net::HttpServer::Start(loops_, gateway_, {}).value();
  }

  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::string HeadText(const Request& request) const {
    std::string text = request.method + " " + request.path;
    if (!request.query.empty()) text += "?" + request.query;
    text += " HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n";
    for (const auto& [name, value] : request.headers.fields()) {
      text.append(name).append(": ").append(value).append("\r\n");
    }
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
    return text;
  }
  // The whole answer. `split_at`: the body goes in two sends, cut there.
  std::string Send(const Request& request, size_t split_at = 0) const {
    Socket socket = Socket::ConnectTo(server_->port());
    socket.SendAll(HeadText(request));
    socket.SendAll(std::string_view(request.body).substr(0, split_at));
    socket.SendAll(std::string_view(request.body).substr(split_at));
    return socket.ReceiveAll();
  }
  // Signs as a client does, `ago` before the gateway's time. Says the signature.
  std::string Sign(Request& request, std::string_view payload_hash = s3::kUnsignedPayload,
                   const s3::AccessKeys& keys = kUser, std::chrono::minutes ago = {}) {
    const std::string host_text = host();
    s3::SignHeaders({.method = request.method,
                     .host = host_text,
                     .path = request.path,
                     .query = request.query,
                     .payload_hash = payload_hash},
                    {.keys = keys,
                     .region = "us-east-1",
                     .time = clock_.WallNow() - ago,
                     .cache = signing_keys_},
                    request.headers);
    const std::string_view authorization = request.headers.Value("Authorization");
    return std::string(authorization.substr(authorization.rfind('=') + 1));
  }

  static const s3::AccessKeys kUser;

  ManualClock clock_{s3::ParseAmzDate("20261001T120000Z").value()};
  TempDir folder_;
  EventLoops loops_{1};
  WorkPool pool_{2};  // Ends before the loops that it hands results to.
  std::unique_ptr<directory::DirectoryStore> store_ =
      directory::DirectoryStore::Open(folder_.string(), pool_,
                                      {.durability = directory::Durability::kNone})
          .value();
  BlockingStore blocking_{*store_};
  Gateway gateway_{*store_, {.authenticator = {.users = {kUser}}}, clock_};
  s3::SigningKeyCache signing_keys_;
  std::unique_ptr<net::HttpServer> server_;
};

const s3::AccessKeys GatewayTest::kUser{
    .access_key_id = "USER", .secret_access_key = "secret", .session_token = ""};

// Who may come in.

TEST_F(GatewayTest, TakesARequestThatAUserSigned) {
  Request request;
  Sign(request);
  const std::string answer = Send(request);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(answer.ends_with("\r\n\r\ntext")) << answer;
}

TEST_F(GatewayTest, RefusesWhatNobodySigned) {
  const std::string answer = Send({});
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer, HasSubstr("<Code>AccessDenied</Code>"));
}

TEST_F(GatewayTest, RefusesAnotherSecretAnUnknownKeyAndAnOldSignature) {
  Request wrong_secret;
  Sign(wrong_secret, s3::kUnsignedPayload,
       {.access_key_id = "USER", .secret_access_key = "other", .session_token = ""});
  EXPECT_THAT(Send(wrong_secret), HasSubstr("<Code>SignatureDoesNotMatch</Code>"));

  Request unknown;
  Sign(unknown, s3::kUnsignedPayload,
       {.access_key_id = "OTHER", .secret_access_key = "secret", .session_token = ""});
  EXPECT_THAT(Send(unknown), HasSubstr("<Code>InvalidAccessKeyId</Code>"));

  Request old;
  Sign(old, s3::kUnsignedPayload, kUser, std::chrono::minutes(16));
  EXPECT_THAT(Send(old), HasSubstr("<Code>RequestTimeTooSkewed</Code>"));
}

TEST_F(GatewayTest, RefusesWhatWasChangedAfterSigning) {
  Request request;
  Sign(request);
  request.path = "/bucket/other";
  EXPECT_THAT(Send(request), HasSubstr("<Code>SignatureDoesNotMatch</Code>"));

  Request upload{.method = "PUT", .headers = {}, .body = "text"};
  Sign(upload, HexEncode(Sha256(std::string_view("other"))));
  EXPECT_THAT(Send(upload), HasSubstr("<Code>XAmzContentSHA256Mismatch</Code>"));
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "text");
}

TEST_F(GatewayTest, AnUnknownSubresourceIsNotImplementedAndNeverAPlainCall) {
  Request request{.method = "PUT", .query = "website", .headers = {}, .body = "<x/>"};
  Sign(request);
  const std::string answer = Send(request);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(answer, HasSubstr("<Code>NotImplemented</Code>"));
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "text");
}

// What answers say about where things are.

TEST_F(GatewayTest, ListsBucketsPageByPage) {
  for (const char* const name : {"aaa", "bbb", "ccc"}) {
    EXPECT_THAT(blocking_.CreateBucket(name), IsOk());
  }
  std::vector<std::string> pages;
  std::string token;
  do {
    Request request{.path = "/", .query = "max-buckets=3"};
    if (!token.empty()) request.query = "continuation-token=" + token + "&max-buckets=3";
    Sign(request);
    pages.push_back(Send(request));
    const size_t begin = pages.back().find("<ContinuationToken>");
    token = begin == std::string::npos ? "" : pages.back().substr(begin + 19);
    token = token.substr(0, token.find('<'));
  } while (!token.empty());
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_THAT(pages[0], HasSubstr("<Name>bbb</Name>"));
  EXPECT_THAT(pages[0], HasSubstr("<Name>bucket</Name>"));
  EXPECT_THAT(pages[0], Not(HasSubstr("<Name>ccc</Name>")));
  EXPECT_THAT(pages[1], HasSubstr("<Name>ccc</Name>"));
  EXPECT_THAT(pages[1], Not(HasSubstr("<Name>bucket</Name>")));
  for (const char* const query : {"max-buckets=0", "max-buckets=10001", "continuation-token=zz"}) {
    Request request{.path = "/", .query = query};
    Sign(request);
    EXPECT_THAT(Send(request), HasSubstr("<Code>InvalidArgument</Code>")) << query;
  }
}

TEST_F(GatewayTest, AFolderIsServedUnderANameThatNoNewBucketGets) {
  std::filesystem::create_directory(folder_.path() / "My_Bucket");
  Request list{.path = "/My_Bucket", .headers = {}, .body = ""};
  Sign(list);
  EXPECT_THAT(Send(list), StartsWith("HTTP/1.1 200 "));
  Request make{.method = "PUT", .path = "/Your_Bucket", .headers = {}, .body = ""};
  Sign(make);
  EXPECT_THAT(Send(make), HasSubstr("<Code>InvalidBucketName</Code>"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "Your_Bucket"));
}

TEST_F(GatewayTest, ACompletedUploadsLocationIsAnAddressThatWorks) {
  const MultipartUpload upload =
      blocking_.CreateMultipart({.bucket = "bucket", .key = "a b/c"}).value();
  const PartInfo part = blocking_.UploadPart({.upload = upload}, "text").value();
  Request request{
      .method = "POST", .path = "/bucket/a%20b/c", .query = "uploadId=" + upload.upload_id};
  request.body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + part.etag +
                 "</ETag></Part></CompleteMultipartUpload>";
  Sign(request);
  EXPECT_THAT(Send(request),
              HasSubstr("<Location>http://" + host() + "/bucket/a%20b/c</Location>"));
}

TEST_F(GatewayTest, ASignatureWithoutARegionIsToldTheOneToSignFor) {
  Request request;
  Sign(request);
  std::string authorization(request.headers.Value("Authorization"));
  authorization.erase(authorization.find("us-east-1"), std::string_view("us-east-1").size());
  request.headers.Set("Authorization", authorization);
  const std::string answer = Send(request);
  EXPECT_THAT(answer, HasSubstr("<Code>AuthorizationHeaderMalformed</Code>"));
  EXPECT_THAT(answer, HasSubstr("<Region>us-east-1</Region>"));
}

// Bodies in aws-chunked form.

class SignedChunks {
 public:
  SignedChunks(const s3::AccessKeys& keys, SystemTime time, const std::string& seed)
      : SignedChunks(keys, s3::FormatAmzDate(time), seed) {}

  // A chunk with its header; an empty one ends the body.
  std::string Chunk(std::string_view bytes) {
    const std::string signature = chain_.NextChunk(Sha256(bytes));
    return fmt::format("{:x};chunk-signature={}\r\n{}\r\n", bytes.size(), signature, bytes);
  }

 private:
  SignedChunks(const s3::AccessKeys& keys, const std::string& timestamp, const std::string& seed)
      : SignedChunks(keys, timestamp, {.date = timestamp.substr(0, 8), .region = "us-east-1"},
                     seed) {}
  SignedChunks(const s3::AccessKeys& keys, const std::string& timestamp,
               const s3::CredentialScope& scope, const std::string& seed)
      : chain_(s3::DeriveSigningKey(keys.secret_access_key, scope), timestamp, scope.Text(), seed) {
  }

  s3::ChunkSignatures chain_;
};

TEST_F(GatewayTest, TakesSignedChunksSplitAnywhere) {
  Request request{.method = "PUT", .headers = {}, .body = ""};
  request.headers.Add("Content-Encoding", "aws-chunked");
  request.headers.Add("x-amz-decoded-content-length", "9");
  const std::string seed = Sign(request, s3::kStreamingSigned);
  SignedChunks chunks(kUser, clock_.WallNow(), seed);
  for (const char* const piece : {"Wiki", "pedia", ""}) request.body += chunks.Chunk(piece);
  for (size_t split = 0; split < request.body.size(); ++split) {
    ASSERT_THAT(Send(request, split), StartsWith("HTTP/1.1 200 ")) << "split at " << split;
    ASSERT_EQ(blocking_.Get("bucket", "key").value(), "Wikipedia") << "split at " << split;
  }
}

TEST_F(GatewayTest, RefusesAChunkThatWasChanged) {
  Request request{.method = "PUT", .headers = {}, .body = ""};
  request.headers.Add("Content-Encoding", "aws-chunked");
  request.headers.Add("x-amz-decoded-content-length", "9");
  const std::string seed = Sign(request, s3::kStreamingSigned);
  SignedChunks chunks(kUser, clock_.WallNow(), seed);
  for (const char* const piece : {"Wiki", "pedia", ""}) request.body += chunks.Chunk(piece);
  request.body.replace(request.body.find("pedia"), 5, "media");
  EXPECT_THAT(Send(request), HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "text");
}

// CRC32C of "Wikipedia", big-endian, in Base64.
std::string WikipediaChecksum() {
  return ChecksumOf(ChecksumAlgorithm::kCrc32c, AsBytes(std::string_view("Wikipedia"))).value;
}

TEST_F(GatewayTest, TakesUnsignedChunksWithATrailerSplitAnywhere) {
  Request request{.method = "PUT", .headers = {}, .body = ""};
  request.headers.Add("Content-Encoding", "aws-chunked");
  request.headers.Add("x-amz-decoded-content-length", "9");
  request.headers.Add("x-amz-trailer", "x-amz-checksum-crc32c");
  Sign(request, s3::kStreamingUnsignedTrailer);
  request.body =
      "4\r\nWiki\r\n5\r\npedia\r\n0\r\nx-amz-checksum-crc32c:" + WikipediaChecksum() + "\r\n\r\n";
  for (size_t split = 0; split < request.body.size(); ++split) {
    ASSERT_THAT(Send(request, split), StartsWith("HTTP/1.1 200 ")) << "split at " << split;
    ASSERT_EQ(blocking_.Get("bucket", "key").value(), "Wikipedia") << "split at " << split;
  }
}

TEST_F(GatewayTest, RefusesATrailerThatIsNotTheBodys) {
  Request request{.method = "PUT", .headers = {}, .body = ""};
  request.headers.Add("Content-Encoding", "aws-chunked");
  request.headers.Add("x-amz-decoded-content-length", "5");
  request.headers.Add("x-amz-trailer", "x-amz-checksum-crc32c");
  Sign(request, s3::kStreamingUnsignedTrailer);
  request.body = "5\r\nOther\r\n0\r\nx-amz-checksum-crc32c:" + WikipediaChecksum() + "\r\n\r\n";
  EXPECT_THAT(Send(request), HasSubstr("<Code>BadDigest</Code>"));
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "text");
}

}  // namespace
}  // namespace headrace::gateway
