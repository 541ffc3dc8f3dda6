// SPDX-License-Identifier: Apache-2.0
// A TLS server as OpenSSL's own client meets it.
#include "headrace/net/tls_session.h"

#include <fcntl.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/unique_fd.h"
#include "headrace/net/http_server.h"
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
using headrace::testing::Socket;
using headrace::testing::TempDir;
using headrace::testing::TestCertificate;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// GET /file answers with the file, anything else with the request's body.
class FileOrEchoHandler final : public HttpHandler {
 public:
  explicit FileOrEchoHandler(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

  Task<void> Handle(HttpServerCall& call) override {
    const HttpResponseHead head{.status = 200};
    if (call.head().target == "/file") {
      const auto size_bytes = static_cast<uint64_t>(::lseek(file_.get(), 0, SEEK_END));
      (void)co_await call.RespondFile(head, file_.get(), 1, size_bytes - 1);
      co_return;
    }
    std::string body;
    std::vector<std::byte> piece(70'000);
    while (true) {
      const auto count = co_await call.ReadBody(piece);
      if (!count) co_return;
      if (*count == 0) break;
      body.append(AsText(std::span(piece).first(*count)));
    }
    (void)co_await call.Respond(head, AsBytes(body));
  }

 private:
  UniqueFd file_;
};

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
struct FreeTicket {
  void operator()(SSL_SESSION* ticket) const { SSL_SESSION_free(ticket); }
};
using Ticket = std::unique_ptr<SSL_SESSION, FreeTicket>;

// A blocking client that trusts nobody and so checks nothing.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port, int version_max = TLS1_3_VERSION)
      : socket_(Socket::ConnectTo(port)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    // The oldest versions need a lower level than the default.
    SSL_CTX_set_security_level(context_.get(), 0);
    session_.reset(SSL_new(context_.get()));
    SSL_set_fd(session_.get(), socket_.descriptor());
  }

  bool Connect(SSL_SESSION* resumed = nullptr) {
    if (resumed != nullptr) SSL_set_session(session_.get(), resumed);
    return SSL_connect(session_.get()) == 1;
  }
  bool was_resumed() const { return SSL_session_reused(session_.get()) == 1; }
  // Once an answer has been read: TLS 1.3 sends tickets after the handshake.
  Ticket TakeTicket() const { return Ticket(SSL_get1_session(session_.get())); }

  void Send(std::string_view text) {
    size_t count = 0;
    SSL_write_ex(session_.get(), text.data(), text.size(), &count);
  }
  std::string ReceiveAll() {
    std::string text;
    std::vector<char> piece(64UL * 1024);
    size_t count = 0;
    while (SSL_read_ex(session_.get(), piece.data(), piece.size(), &count) == 1) {
      text.append(piece.data(), count);
    }
    return text;
  }
  // True: the server said goodbye before it closed.
  bool had_goodbye() const {
    return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  Socket socket_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSession> session_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

class TlsSessionTest : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.tls = context_.get();
    server_ = HttpServer::Start(loops_, handler_, options).value();
  }

  TempDir folder_;
  const TestCertificate pair_ = TestCertificate::Make();
  const std::string certificate_ = folder_.Write("certificate.pem", pair_.certificate);
  const std::string key_ = folder_.Write("key.pem", pair_.key);
  const std::string content_ = headrace::testing::SeededText(7, 1'000'003);
  FileOrEchoHandler handler_{folder_.Write("file", content_)};
  std::unique_ptr<TlsServerContext> context_ = TlsServerContext::Load(certificate_, key_).value();
  EventLoops loops_{1};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsSessionTest, CarriesLargeBodiesBothWays) {
  Start();
  TlsClient client(server_->port());
  ASSERT_TRUE(client.Connect());
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " +
              std::to_string(content_.size()) + "\r\n\r\n" + content_);
  EXPECT_TRUE(client.ReceiveAll().ends_with("\r\n\r\n" + content_));
  EXPECT_TRUE(client.had_goodbye());
}

TEST_F(TlsSessionTest, SendsAPartOfAFile) {
  Start();
  TlsClient client(server_->port());
  ASSERT_TRUE(client.Connect());
  client.Send("GET /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.ReceiveAll().ends_with("\r\n\r\n" + content_.substr(1)));
}

TEST_F(TlsSessionTest, AnswersPipelinedRequestsOfOneRecord) {
  Start();
  TlsClient client(server_->port());
  ASSERT_TRUE(client.Connect());
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + std::string(kGet));
  const std::string answers = client.ReceiveAll();
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nabcHTTP/1.1 200"));
}

TEST_F(TlsSessionTest, ResumesSessionsOfBothVersions) {
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first(server_->port(), version);
    ASSERT_TRUE(first.Connect());
    first.Send(kGet);
    EXPECT_THAT(first.ReceiveAll(), StartsWith("HTTP/1.1 200"));
    EXPECT_FALSE(first.was_resumed());
    const Ticket ticket = first.TakeTicket();
    TlsClient second(server_->port(), version);
    ASSERT_TRUE(second.Connect(ticket.get()));
    EXPECT_TRUE(second.was_resumed()) << version;
  }
}

TEST_F(TlsSessionTest, RefusesTheOldVersions) {
  Start();
  TlsClient client(server_->port(), TLS1_1_VERSION);
  EXPECT_FALSE(client.Connect());
}

TEST_F(TlsSessionTest, ClosesOnAPeerThatSpeaksPlainHttp) {
  Start();
  Socket socket = Socket::ConnectTo(server_->port());
  socket.SendAll(kGet);
  EXPECT_THAT(socket.ReceiveAll(), Not(HasSubstr("HTTP/1.1")));
  // And goes on serving.
  TlsClient client(server_->port());
  ASSERT_TRUE(client.Connect());
  client.Send(kGet);
  EXPECT_THAT(client.ReceiveAll(), StartsWith("HTTP/1.1 200"));
}

TEST_F(TlsSessionTest, EndsAHandshakeThatTakesTooLong) {
  Start({.handshake_timeout = std::chrono::seconds(0)});
  Socket socket = Socket::ConnectTo(server_->port());
  // The start of a record of a ClientHello whose rest never comes.
  socket.SendAll(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_THAT(socket.ReceiveAll(), IsEmpty());
}

TEST_F(TlsSessionTest, StopsWhileAHandshakeIsUnderWay) {
  Start({.drain_timeout = std::chrono::seconds(3600)});
  const Socket socket = Socket::ConnectTo(server_->port());
  while (server_->stats().connections_accepted == 0) std::this_thread::yield();
  server_->Stop();
  EXPECT_EQ(server_->stats().connections_open, 0U);
}

TEST_F(TlsSessionTest, ShowsTheNewCertificateAfterAReload) {
  Start();
  const TestCertificate other = TestCertificate::Make();
  folder_.Write("certificate.pem", other.certificate);
  const Status mismatched = context_->Reload();
  EXPECT_THAT(mismatched, HasCode(ErrorCode::kInvalidArgument));
  TlsClient with_old(server_->port());
  EXPECT_TRUE(with_old.Connect());
  folder_.Write("key.pem", other.key);
  EXPECT_THAT(context_->Reload(), IsOk());
  TlsClient with_new(server_->port());
  EXPECT_TRUE(with_new.Connect());
}

TEST_F(TlsSessionTest, SaysWhatIsWrongWithTheFiles) {
  const auto error_of = [](const std::string& certificate, const std::string& key) {
    const auto loaded = TlsServerContext::Load(certificate, key);
    return loaded ? std::string("loaded") : loaded.error().message();
  };
  const std::string missing = folder_.Path("missing.pem");
  EXPECT_THAT(error_of(missing, key_), HasSubstr(missing));
  EXPECT_THAT(error_of(certificate_, missing), HasSubstr(missing));
  const std::string garbage = folder_.Write("garbage.pem", "not PEM\n");
  EXPECT_THAT(error_of(garbage, key_), HasSubstr("garbage.pem is no PEM certificate"));
  EXPECT_THAT(error_of(certificate_, garbage), HasSubstr("garbage.pem is no PEM key"));
  const std::string other = folder_.Write("other.pem", TestCertificate::Make().key);
  EXPECT_THAT(error_of(certificate_, other), HasSubstr("other.pem does not belong to the "));
}

}  // namespace
}  // namespace headrace::net
