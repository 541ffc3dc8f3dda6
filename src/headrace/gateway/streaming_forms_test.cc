// SPDX-License-Identifier: Apache-2.0
// Bodies in each form that x-amz-content-sha256 can name, from a signer to the stored object.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/checksum.h"
#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/work_pool.h"
#include "headrace/gateway/gateway.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/s3/sigv4a.h"
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
using ::testing::StartsWith;

const s3::AccessKeys kUser{.access_key_id = "USER", .secret_access_key = "secret"};
constexpr std::string_view kTimestamp = "20261001T120000Z";

// Makes the signatures of one request and its chunks.
class BodySigner {
 public:
  BodySigner(std::string_view form, bool is_asymmetric)
      : form_(form), is_asymmetric_(is_asymmetric) {}

  // Adds Authorization to a request for PUT /bucket/key.
  void SignHead(net::HttpRequestHead& head) {
    s3::ParsedSignature parsed{.timestamp = std::string(kTimestamp), .payload_hash = form_};
    parsed.is_asymmetric = is_asymmetric_;
    parsed.scope = {.date = "20261001", .region = is_asymmetric_ ? "" : "us-east-1"};
    for (const auto& [name, value] : head.headers.fields()) {
      parsed.signed_names += (parsed.signed_names.empty() ? "" : ";") + name;
    }
    scope_ = parsed.ScopeText();
    if (is_asymmetric_) {
      previous_ = s3::SignSigV4a(key_, s3::SigV4aStringToSign(head, parsed).value());
    } else {
      previous_ = s3::ExpectedSignature(head, parsed, kUser.secret_access_key, cache_).value();
    }
    head.headers.Add("Authorization",
                     fmt::format("{} Credential=USER/{}, SignedHeaders={}, Signature={}",
                                 algorithm(), scope_, parsed.signed_names, previous_));
  }
  std::string Chunk(std::string_view bytes) {
    const std::string text =
        fmt::format("{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}", algorithm(), kTimestamp, scope_, previous_,
                    s3::kEmptySha256, HexEncode(Sha256(bytes)));
    return Sign(text);
  }
  std::string Trailer(std::string_view lines) {
    return Sign(fmt::format("{}-TRAILER\n{}\n{}\n{}\n{}", algorithm(), kTimestamp, scope_,
                            previous_, HexEncode(Sha256(lines))));
  }

 private:
  std::string_view algorithm() const {
    return is_asymmetric_ ? s3::kSigV4aAlgorithm : s3::kSigV4Algorithm;
  }
  // As it stands in the body: an asymmetric one filled up to its fixed length.
  std::string Sign(const std::string& text) {
    if (!is_asymmetric_) {
      const s3::CredentialScope scope{.date = "20261001", .region = "us-east-1"};
      previous_ = s3::Signature(cache_.KeyFor(kUser.secret_access_key, scope), text);
      return previous_;
    }
    previous_ = s3::SignSigV4a(key_, text);
    constexpr size_t kFixedDigits = 144;
    return previous_ + std::string(kFixedDigits - previous_.size(), '*');
  }

  const std::string form_;
  const bool is_asymmetric_;
  const P256Key key_ = s3::DeriveSigV4aKey(kUser.access_key_id, kUser.secret_access_key);
  s3::SigningKeyCache cache_;
  std::string scope_;
  std::string previous_;
};

// One upload of "Wikipedia", and what is wrong with it.
struct Upload {
  std::string form;
  bool is_asymmetric = false;
  bool changes_chunk = false;
  bool changes_trailer = false;
  bool adds_trailer = false;        // One that x-amz-trailer does not name.
  std::string_view after_end = {};  // Comes behind the last chunk and its trailers.
};

class StreamingFormsTest : public ::testing::Test {
 protected:
  StreamingFormsTest() {
    EXPECT_THAT(blocking_.CreateBucket("bucket"), IsOk());
    server_ = net::HttpServer::Start(loops_, gateway_, {}).value();
  }

  static bool IsChunked(const Upload& upload) { return upload.form.starts_with("STREAMING-"); }
  static bool SignsChunks(const Upload& upload) {
    return upload.form.starts_with("STREAMING-AWS4-");
  }
  static std::string BodyOf(const Upload& upload, BodySigner& signer) {
    if (!IsChunked(upload)) return upload.changes_chunk ? "wikipedia" : "Wikipedia";
    std::string body;
    for (const std::string_view piece : {"Wiki", "pedia", ""}) {
      body += fmt::format("{:x}", piece.size());
      if (SignsChunks(upload)) body += ";chunk-signature=" + signer.Chunk(piece);
      body.append("\r\n").append(piece);
      if (!piece.empty()) body += "\r\n";
    }
    if (upload.form.ends_with("-TRAILER")) {
      const std::string line =
          "x-amz-checksum-crc32c:" +
          ChecksumOf(ChecksumAlgorithm::kCrc32c, AsBytes(std::string_view("Wikipedia"))).value;
      body += line + "\r\n";
      const std::string signed_line = upload.changes_trailer ? "x-amz-other:1\n" : line + "\n";
      if (SignsChunks(upload)) {
        body += "x-amz-trailer-signature:" + signer.Trailer(signed_line) + "\r\n";
      }
    }
    if (upload.adds_trailer) body += "x-amz-other:1\r\n";
    body.append("\r\n").append(upload.after_end);
    if (upload.changes_chunk) body.replace(body.find("pedia"), 5, "media");
    return body;
  }
  std::string Send(const Upload& upload) {
    net::HttpRequestHead head{.method = "PUT", .target = "/bucket/key"};
    head.headers.Add("host", "127.0.0.1:" + std::to_string(server_->port()));
    head.headers.Add("x-amz-content-sha256", upload.form);
    head.headers.Add("x-amz-date", std::string(kTimestamp));
    if (upload.is_asymmetric) head.headers.Add("x-amz-region-set", "*");
    if (IsChunked(upload)) head.headers.Add("x-amz-decoded-content-length", "9");
    if (upload.form.ends_with("-TRAILER")) {
      head.headers.Add("x-amz-trailer", "x-amz-checksum-crc32c");
    }
    BodySigner signer(upload.form, upload.is_asymmetric);
    signer.SignHead(head);
    const std::string body = BodyOf(upload, signer);
    std::string text = "PUT /bucket/key HTTP/1.1\r\nConnection: close\r\n";
    for (const auto& [name, value] : head.headers.fields()) {
      text.append(name).append(": ").append(value).append("\r\n");
    }
    text += fmt::format("Content-Length: {}\r\n\r\n", body.size()) + body;
    Socket socket = Socket::ConnectTo(server_->port());
    socket.SendAll(text);
    return socket.ReceiveAll();
  }

  ManualClock clock_{s3::ParseAmzDate(kTimestamp).value()};
  TempDir folder_;
  EventLoops loops_{1};
  WorkPool pool_{2};  // Ends before the loops that it hands results to.
  std::unique_ptr<directory::DirectoryStore> store_ =
      directory::DirectoryStore::Open(folder_.string(), pool_,
                                      {.durability = directory::Durability::kNone})
          .value();
  BlockingStore blocking_{*store_};
  Gateway gateway_{*store_, {.authenticator = {.users = {kUser}}}, clock_};
  std::unique_ptr<net::HttpServer> server_;
};

std::vector<Upload> AllForms() {
  std::vector<Upload> uploads;
  for (const bool is_asymmetric : {false, true}) {
    uploads.push_back({.form = "UNSIGNED-PAYLOAD", .is_asymmetric = is_asymmetric});
    uploads.push_back(
        {.form = HexEncode(Sha256(std::string_view("Wikipedia"))), .is_asymmetric = is_asymmetric});
    uploads.push_back(
        {.form = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", .is_asymmetric = is_asymmetric});
  }
  uploads.push_back({.form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"});
  uploads.push_back({.form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"});
  uploads.push_back({.form = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", .is_asymmetric = true});
  uploads.push_back(
      {.form = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", .is_asymmetric = true});
  return uploads;
}

TEST_F(StreamingFormsTest, EveryFormArrivesWhole) {
  for (const Upload& upload : AllForms()) {
    ASSERT_THAT(blocking_.Put("bucket", "key", "before"), IsOk());
    EXPECT_THAT(Send(upload), StartsWith("HTTP/1.1 200 ")) << upload.form;
    EXPECT_EQ(blocking_.Get("bucket", "key").value(), "Wikipedia") << upload.form;
  }
}

TEST_F(StreamingFormsTest, WhatWasChangedOnItsWayIsRefused) {
  ASSERT_THAT(blocking_.Put("bucket", "key", "before"), IsOk());
  for (Upload upload : AllForms()) {
    if (upload.form == "UNSIGNED-PAYLOAD") continue;
    upload.changes_chunk = true;
    EXPECT_THAT(Send(upload), StartsWith("HTTP/1.1 4")) << upload.form;
    upload.changes_chunk = false;
    if (SignsChunks(upload) && upload.form.ends_with("-TRAILER")) {
      upload.changes_trailer = true;
      EXPECT_THAT(Send(upload), HasSubstr("<Code>SignatureDoesNotMatch</Code>")) << upload.form;
    }
  }
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "before");
}

TEST_F(StreamingFormsTest, ABodyThatGoesOnAfterItsEndIsRefused) {
  ASSERT_THAT(blocking_.Put("bucket", "key", "before"), IsOk());
  // Longer than what one read of the framing takes, too.
  const std::string long_rest(10'000, 'x');
  for (Upload upload : AllForms()) {
    if (!IsChunked(upload)) continue;
    for (const std::string_view rest : {std::string_view("\r\n"), std::string_view(long_rest)}) {
      upload.after_end = rest;
      EXPECT_THAT(Send(upload), HasSubstr("<Code>IncompleteBody</Code>")) << upload.form;
    }
  }
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "before");
}

TEST_F(StreamingFormsTest, ATrailerThatTheRequestDoesNotNameIsRefused) {
  ASSERT_THAT(blocking_.Put("bucket", "key", "before"), IsOk());
  for (Upload upload : AllForms()) {
    if (!IsChunked(upload)) continue;
    upload.adds_trailer = true;
    EXPECT_THAT(Send(upload), HasSubstr("<Code>MalformedTrailerError</Code>")) << upload.form;
  }
  EXPECT_EQ(blocking_.Get("bucket", "key").value(), "before");
}

TEST_F(StreamingFormsTest, AFormNeedsARequestSignedByItsAlgorithm) {
  EXPECT_THAT(Send({.form = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}),
              HasSubstr("<Code>InvalidArgument</Code>"));
  EXPECT_THAT(Send({.form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", .is_asymmetric = true}),
              HasSubstr("<Code>InvalidArgument</Code>"));
  EXPECT_THAT(Send({.form = "STREAMING-OTHER"}), HasSubstr("<Code>NotImplemented</Code>"));
}

}  // namespace
}  // namespace headrace::gateway
