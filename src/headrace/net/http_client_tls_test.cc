// SPDX-License-Identifier: Apache-2.0
// The client over TLS, against OpenSSL's own server, which says what a test wants said.
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/net/http_client.h"
#include "headrace/net/tls_server_context.h"
#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"
#include "testing/socket.h"
#include "testing/temp_dir.h"
#include "testing/test_certificate.h"

namespace headrace::net {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::Listener;
using headrace::testing::Socket;
using headrace::testing::TempDir;
using headrace::testing::TestCertificate;
using ::testing::HasSubstr;

struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};

// One accepted connection of a blocking TLS server.
class Peer {
 public:
  Peer(TlsServerContext& context, Socket socket)
      : socket_(std::move(socket)), session_(context.NewSession()) {
    SSL_set_fd(session_.get(), socket_.descriptor());
  }

  bool Accept() { return SSL_accept(session_.get()) == 1; }
  // Before Accept: nothing but TLS 1.2 with this cipher.
  void SpeakOnly12(const char* cipher) {
    SSL_set_max_proto_version(session_.get(), TLS1_2_VERSION);
    SSL_set_cipher_list(session_.get(), cipher);
  }
  // Whether what is sent waits, so that several records leave in one segment.
  void Hold(bool holds) {
    const int value = holds ? 1 : 0;
    ::setsockopt(socket_.descriptor(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
  }
  void Send(std::string_view text) {
    size_t count = 0;
    while (!text.empty() && SSL_write_ex(session_.get(), text.data(), text.size(), &count) == 1) {
      text.remove_prefix(count);
    }
  }
  // Until `end` has come, or as much as there is.
  std::string ReceiveTo(std::string_view end) {
    std::string text;
    std::string piece(64UL * 1024, '\0');
    size_t count = 0;
    while (!text.ends_with(end) &&
           SSL_read_ex(session_.get(), piece.data(), piece.size(), &count) == 1) {
      text.append(piece, 0, count);
    }
    return text;
  }
  // New keys for what this side sends, and the other side is asked for its own.
  void ChangeKeys() { SSL_key_update(session_.get(), SSL_KEY_UPDATE_REQUESTED); }
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
  std::unique_ptr<SSL, FreeSession> session_;
};

Task<Result<std::string>> SendAndRead(HttpClient& client, const HttpCall& call) {
  HR_CO_TRY_ASSIGN(HttpAnswer answer, co_await client.Send(call));
  co_return co_await answer.ReadText(8 << 20);
}

std::string HeadOf(size_t size_bytes) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size_bytes) + "\r\n\r\n";
}

class HttpClientTlsTest : public ::testing::Test {
 protected:
  HttpClientTlsTest() {
    signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets whose other side has gone.
    UseClient({});
  }
  ~HttpClientTlsTest() override { Stop(); }

  // Each connection in turn is talked to by `script`.
  void Serve(std::function<void(Peer&)> script) {
    server_ = std::thread([this, script = std::move(script)] {
      while (true) {
        Socket socket = listener_.Accept();
        if (!socket.is_open()) return;
        Peer peer(*context_, std::move(socket));
        if (!cipher_.empty()) peer.SpeakOnly12(cipher_.c_str());
        if (peer.Accept()) script(peer);
      }
    });
  }
  void Stop() {
    client_.reset();
    listener_.Shutdown();
    if (server_.joinable()) server_.join();
  }
  void Restart() {
    Stop();
    listener_ = Listener();
    UseClient({});
  }
  // Only what a test sets ends a call within an hour.
  void UseClient(HttpClientOptions options) {
    options.idle_timeout = std::chrono::hours(1);
    if (options.verify_tls && options.ca_bundle.empty()) options.ca_bundle = certificate_;
    client_ = HttpClient::Make(options).value();
  }
  HttpCall Call(const std::string& host = "127.0.0.1") const {
    HttpCall call;
    call.endpoint = {.is_tls = true, .host = host, .port = listener_.port()};
    return call;
  }
  Result<std::string> Get(const HttpCall& call) {
    return RunBlocking(loops_.At(0), SendAndRead(*client_, call));
  }

  TempDir folder_;
  const TestCertificate pair_ = TestCertificate::Make();
  const std::string certificate_ = folder_.Write("certificate.pem", pair_.certificate);
  std::unique_ptr<TlsServerContext> context_ =
      TlsServerContext::Load(certificate_, folder_.Write("key.pem", pair_.key)).value();
  const std::string content_ = headrace::testing::SeededText(7, 3'000'003);
  std::string cipher_;  // Empty: the server's own choice.
  Listener listener_;
  EventLoops loops_{1};
  std::unique_ptr<HttpClient> client_;
  std::thread server_;
};

TEST_F(HttpClientTlsTest, CarriesLargeBodiesBothWaysOnOneConnection) {
  Serve([this](Peer& peer) {
    while (true) {
      const std::string request = peer.ReceiveTo(content_);
      if (!request.ends_with(content_)) return;
      peer.Send(HeadOf(content_.size()) + content_);
    }
  });
  HttpCall call = Call();
  call.method = "PUT";
  call.body = AsBytes(content_);
  for (int turn = 0; turn < 2; ++turn) {
    const auto answered = Get(call);
    ASSERT_THAT(answered, IsOk());
    EXPECT_TRUE(*answered == content_);
  }
  EXPECT_EQ(client_->stats().connections_opened, 1U);
}

TEST_F(HttpClientTlsTest, SpeaksTheCiphersOfTls12) {
  for (const char* const cipher : {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-SHA"}) {
    cipher_ = cipher;
    Serve([](Peer& peer) {
      peer.ReceiveTo("\r\n\r\n");
      peer.Send(HeadOf(2) + "ok");
    });
    EXPECT_THAT(Get(Call()), IsOk()) << cipher;
    Restart();
  }
}

// In the first answer's segment, so that both are received at once.
TEST_F(HttpClientTlsTest, TakesNothingBehindAnAnswerForTheNextOne) {
  Serve([](Peer& peer) {
    peer.ReceiveTo("\r\n\r\n");
    peer.Hold(true);
    peer.Send(HeadOf(4) + "true");
    peer.Send(HeadOf(6) + "forged");
    peer.Hold(false);
  });
  for (int turn = 0; turn < 2; ++turn) EXPECT_EQ(Get(Call()).value(), "true");
  EXPECT_EQ(client_->stats().connections_opened, 2U);
}

TEST_F(HttpClientTlsTest, ReadsOnWhenThePeerChangesItsKeys) {
  Serve([this](Peer& peer) {
    for (int turn = 0; turn < 2; ++turn) {
      peer.ReceiveTo("\r\n\r\n");
      peer.Send(HeadOf(2 * content_.size()) + content_);
      peer.ChangeKeys();
      peer.Send(content_);
    }
  });
  for (int turn = 0; turn < 2; ++turn) {
    const auto answered = Get(Call());
    ASSERT_THAT(answered, IsOk());
    EXPECT_TRUE(*answered == content_ + content_);
  }
}

TEST_F(HttpClientTlsTest, ABodyThatBreaksOffIsUnavailableNotShort) {
  for (const bool is_reset : {false, true}) {
    Serve([this, is_reset](Peer& peer) {
      peer.ReceiveTo("\r\n\r\n");
      peer.Send(HeadOf(content_.size()) + content_.substr(1));
      if (is_reset) peer.socket().Reset();
    });
    EXPECT_THAT(Get(Call()), HasCode(ErrorCode::kUnavailable)) << is_reset;
    Restart();
  }
}

TEST_F(HttpClientTlsTest, IsCancelledWhileItWaitsForAnAnswer) {
  std::stop_source stop;
  Serve([&stop](Peer& peer) {
    peer.ReceiveTo("\r\n\r\n");
    stop.request_stop();
    peer.ReceiveTo("never");
  });
  HttpCall call = Call();
  call.stop = stop.get_token();
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kCancelled));
}

TEST_F(HttpClientTlsTest, TrustsOnlyWhomItsBundleVouchesForByItsName) {
  Serve([](Peer& peer) {
    peer.ReceiveTo("\r\n\r\n");
    peer.Send(HeadOf(2) + "ok");
  });
  EXPECT_THAT(Get(Call()), IsOk());
  const auto misnamed = Get(Call("localhost"));
  EXPECT_THAT(misnamed, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(misnamed.error().message(), HasSubstr("mismatch"));
  UseClient({.ca_bundle = folder_.Write("other.pem", TestCertificate::Make().certificate)});
  EXPECT_THAT(Get(Call()), HasCode(ErrorCode::kPermissionDenied));
  UseClient({.verify_tls = false});
  EXPECT_THAT(Get(Call("localhost")), IsOk());
}

TEST_F(HttpClientTlsTest, ABundleIsReadForTheFirstTlsConnectionAndMissedBefore) {
  EXPECT_THAT(HttpClient::Make({.ca_bundle = "/nowhere/bundle.pem"}),
              HasCode(ErrorCode::kInvalidArgument));
  const std::string no_pem = folder_.Write("notes.txt", "not a certificate\n");
  UseClient({.ca_bundle = no_pem});
  const auto answered = Get(Call());
  EXPECT_THAT(answered, HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(answered.error().message(), HasSubstr(no_pem));
}

TEST_F(HttpClientTlsTest, APeerThatSpeaksNoTlsIsUnavailable) {
  server_ = std::thread([this] {
    Socket socket = listener_.Accept();
    socket.Receive();
    socket.SendAll("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  const auto answered = Get(Call());
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr("TLS handshake"));
  EXPECT_THAT(answered.error().message(), HasSubstr("is it an http:// address?"));
}

}  // namespace
}  // namespace headrace::net
