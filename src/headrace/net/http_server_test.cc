// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/gate.h"
#include "headrace/base/unique_fd.h"
#include "testing/result_matchers.h"
#include "testing/socket.h"

namespace headrace::net {
namespace {

using headrace::testing::HasCode;
using headrace::testing::Socket;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Answers with "METHOD TARGET: BODY". /unread leaves the body, /pieces answers in pieces, /silent
// not at all, /late tells `begun` and blocks until `gate`, /waiting tells `begun` and is suspended
// until `opened`, /short and /endless promise ten bytes and give fewer, or do not finish.
class EchoHandler final : public HttpHandler {
 public:
  Task<void> Handle(HttpServerCall& call) override {
    const std::string& target = call.head().target;
    if (reset_share) call.ResetPartway(*reset_share);
    std::string text = call.head().method + " " + target + ": ";
    if (target != "/unread") {
      std::array<std::byte, 3> piece;
      while (true) {
        const auto count = co_await call.ReadBody(piece);
        if (!count) co_return Note(count.error());
        if (*count == 0) break;
        text.append(AsText(std::span(piece).first(*count)));
      }
    }
    if (target == "/late") {
      begun.set_value();
      gate.get_future().wait();
    }
    if (target == "/waiting") {
      begun.set_value();
      (void)co_await opened.Wait({}, {});
      has_ended = true;
    }
    if (target == "/silent") co_return;
    if (target == "/short" || target == "/endless") co_return co_await AnswerLess(call, target);
    const HttpResponseHead head{.status = 200};
    if (target == "/pieces") co_return co_await AnswerInPieces(call, head, text);
    (void)co_await call.Respond(head, AsBytes(text));
  }

  std::optional<double> reset_share;
  std::promise<void> begun;
  std::promise<void> gate;
  Gate opened;
  std::atomic<bool> has_ended = false;
  std::promise<Error> failed;  // What reading the body failed with.

 private:
  void Note(const Error& error) { failed.set_value(error); }
  static Task<void> AnswerInPieces(HttpServerCall& call, const HttpResponseHead& head,
                                   const std::string& text) {
    (void)co_await call.StartResponse(head, std::nullopt);
    (void)co_await call.WriteBody(AsBytes(text).first(4));
    (void)co_await call.WriteBody(AsBytes(text).subspan(4));
    (void)co_await call.FinishResponse();
  }
  static Task<void> AnswerLess(HttpServerCall& call, const std::string& target) {
    const HttpResponseHead head{.status = 200};
    (void)co_await call.StartResponse(head, 10);
    const std::string_view text = target == "/short" ? "short" : "ten bytes.";
    (void)co_await call.WriteBody(AsBytes(text));
    if (target != "/short") co_return;
    EXPECT_THAT(co_await call.FinishResponse(), HasCode(ErrorCode::kInternal));
  }
};

// What is written to standard error while it lives.
class StandardError {
 public:
  StandardError() : kept_(dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    read_end_ = UniqueFd(ends[0]);
    const UniqueFd write_end(ends[1]);
    EXPECT_GE(dup2(write_end.get(), STDERR_FILENO), 0);
  }
  ~StandardError() { dup2(kept_.get(), STDERR_FILENO); }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;

  // Blocks until `text` has been written `count` times.
  void Await(std::string_view text, size_t count) {
    std::string seen;
    while (count > 0) {
      std::array<char, 256> piece;
      const ssize_t size = read(read_end_.get(), piece.data(), piece.size());
      ASSERT_GT(size, 0);
      seen.append(piece.data(), static_cast<size_t>(size));
      for (; count > 0 && seen.find(text) != std::string::npos; --count) {
        seen.erase(0, seen.find(text) + text.size());
      }
    }
  }

 private:
  UniqueFd kept_;
  UniqueFd read_end_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    server_ = HttpServer::Start(loops_, handler_, std::move(options)).value();
  }
  Socket Connect() const { return Socket::ConnectTo(server_->port()); }
  // Sends and receives until the server closes.
  std::string Exchange(std::string_view request) const {
    Socket socket = Connect();
    socket.SendAll(request);
    return socket.ReceiveAll();
  }
  // Receives until `text` has come, or the connection's end.
  static std::string ReceiveUntil(Socket& socket, std::string_view text) {
    std::string received;
    while (received.find(text) == std::string::npos) {
      const std::string more = socket.Receive();
      if (more.empty()) break;
      received += more;
    }
    return received;
  }

  static bool EndsInReset(Socket& socket, std::string& received) {
    std::array<char, 4096> piece;
    while (true) {
      const ssize_t count = recv(socket.descriptor(), piece.data(), piece.size(), 0);
      if (count <= 0) return count < 0 && errno == ECONNRESET;
      received.append(piece.data(), static_cast<size_t>(count));
    }
  }

  EventLoops loops_{2};
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, KeepsAConnectionForRequestsInTurn) {
  Start();
  Socket socket = Connect();
  socket.SendAll("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string first = ReceiveUntil(socket, "GET /1: ");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(first, HasSubstr("Date: "));
  EXPECT_THAT(first, Not(HasSubstr("Connection:")));
  socket.SendAll("PUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(ReceiveUntil(socket, "hello"), EndsWith("PUT /2: hello"));
  EXPECT_EQ(server_->stats().connections_accepted, 1U);
  EXPECT_EQ(server_->stats().requests, 2U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  Start();
  const std::string answers = Exchange(
      "PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const size_t first = answers.find("PUT /1: abc");
  const size_t second = answers.find("GET /2: ");
  const size_t third = answers.find("GET /3: ");
  ASSERT_NE(third, std::string::npos) << answers;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_THAT(answers, HasSubstr("Connection: close\r\n"));
}

// Two readers that disagree about where a request ends, or whose it is, can be played off against
// each other. Exchange returns when the server has closed.
TEST_F(HttpServerTest, RefusesHeadsThatAProxyMayReadOtherwise) {
  Start();
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string put = "PUT / HTTP/1.1\r\nHost: h\r\n";
  const std::string next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::vector<std::string> heads = {
      get + "Host: h\r\nHost: h\r\n\r\n",
      get + "Host: h\r\nhost: other\r\n\r\n",
      get + "\r\n",
      get + "Host: a b\r\n\r\n",
      get + "Host: user@h\r\n\r\n",
      get + "Host: h/path\r\n\r\n",
      "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http://h/ HTTP/1.0\r\n\r\n",
      get + "Host: h\r\nX: a\r\n b\r\n\r\n",
      get + "Host: h\r\nX: a\r\n\tb\r\n\r\n",
      get + "Host: h\r\nX: a\r\n \r\n\r\n",
      get + "Host: h\nX: a\r\n\r\n",
      get + "Host: h\r\n\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      put + "Content-Length : 3\r\n\r\nabc",
      put + "Content-Length: +3\r\n\r\nabc",
      put + "Content-Length: 3 3\r\n\r\nabc",
      put + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      put + "Content-Length: 3, 4\r\n\r\nabcd",
      put + "Content-Length: 18446744073709551616\r\n\r\n",
      put + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      put + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      put + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
      put + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      put + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      put + "Transfer-Encoding: identity\r\n\r\n",
      put + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
      "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"};
  for (const std::string& head : heads) {
    const std::string answer = Exchange(head + next);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << head;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << head;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << head << "\n" << answer;
  }
  EXPECT_EQ(server_->stats().requests, 0U);
}

TEST_F(HttpServerTest, TakesUnusualHosts) {
  Start();
  for (const std::string_view host : {"", "[::1]:9000", "my_bucket.s3.localhost:80", "a.b-c~d."}) {
    const std::string request =
        fmt::format("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host);
    EXPECT_THAT(Exchange(request), EndsWith("GET /: ")) << host;
  }
}

TEST_F(HttpServerTest, TheOldProtocolClosesUnlessItAsksNotTo) {
  Start();
  EXPECT_THAT(Exchange("GET / HTTP/1.0\r\n\r\n"), EndsWith("GET /: "));
  Socket socket = Connect();
  socket.SendAll("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(ReceiveUntil(socket, "GET /: "), HasSubstr("Connection: keep-alive\r\n"));
}

TEST_F(HttpServerTest, TakesAChunkedBodySplitAnywhere) {
  Start();
  const std::string request =
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "4;a=b\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\n";
  for (size_t split = request.find("4;a"); split < request.size(); ++split) {
    Socket socket = Connect();
    socket.SendAll(std::string_view(request).substr(0, split));
    socket.SendAll(std::string_view(request).substr(split));
    EXPECT_THAT(socket.ReceiveAll(), EndsWith("PUT /: Wikipedia")) << "split at " << split;
  }
}

TEST_F(HttpServerTest, BrokenChunksAreCorrupt) {
  Start();
  auto failed = handler_.failed.get_future();
  Exchange("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
  EXPECT_EQ(failed.get().code(), ErrorCode::kCorrupt);
}

TEST_F(HttpServerTest, ABodyThatEndsEarlyIsUnavailable) {
  Start();
  auto failed = handler_.failed.get_future();
  Socket socket = Connect();
  socket.SendAll("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  socket.ShutdownSend();
  EXPECT_EQ(failed.get().code(), ErrorCode::kUnavailable);
}

TEST_F(HttpServerTest, AsksForTheBodyThatAClientHoldsBack) {
  Start();
  Socket socket = Connect();
  socket.SendAll("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(ReceiveUntil(socket, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.SendAll("body");
  EXPECT_THAT(ReceiveUntil(socket, "body"), EndsWith("PUT /: body"));
}

TEST_F(HttpServerTest, AsksForAnEmptyBodyToo) {
  Start();
  const std::string answers = Exchange(
      "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
  EXPECT_THAT(answers, EndsWith("GET /next: "));
}

TEST_F(HttpServerTest, AHeldBackBodyThatNobodyReadsIsNotAskedForAndClosesTheConnection) {
  Start();
  const std::string answer = Exchange(
      "PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpServerTest, ASmallBodyThatNobodyReadIsSkipped) {
  Start();
  const std::string answers = Exchange(
      "PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
      "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answers, HasSubstr("PUT /unread: "));
  EXPECT_THAT(answers, EndsWith("GET /next: "));
}

TEST_F(HttpServerTest, ALargeBodyThatNobodyReadEndsTheConnection) {
  Start({.unread_body_bytes_max = 100});
  const std::string answers = Exchange(
      "PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'b') +
      "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answers, EndsWith("PUT /unread: "));
}

TEST_F(HttpServerTest, AnAnswerWithoutLengthIsSentInChunks) {
  Start();
  const std::string answer =
      Exchange("GET /pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n4\r\nGET \r\n9\r\n/pieces: \r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, AnAnswerToHeadHasALengthAndNoBody) {
  Start();
  const std::string answer = Exchange("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, AHandlerThatAnswersNothingEndsTheConnection) {
  Start();
  EXPECT_THAT(Exchange("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n"), IsEmpty());
}

TEST_F(HttpServerTest, RefusesHeadsItCannotTake) {
  Start();
  EXPECT_THAT(Exchange("this is no HTTP\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  const std::string long_field(128UL * 1024, 'x');
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + long_field + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, EndsConnectionsWhoseRequestStaysUnfinished) {
  Start({.head_timeout = std::chrono::seconds(0), .body_timeout = std::chrono::seconds(0)});
  auto failed = handler_.failed.get_future();
  EXPECT_THAT(Exchange("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf"), IsEmpty());
  EXPECT_EQ(failed.get().code(), ErrorCode::kTimedOut);
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, EndsConnectionsThatStayIdleForTooLong) {
  Start({.idle_timeout = std::chrono::seconds(0)});
  EXPECT_THAT(Exchange(""), IsEmpty());
}

TEST_F(HttpServerTest, RefusesAHeadOverTheLimitItWasGiven) {
  Start({.head_bytes_max = 100});
  const std::string field(80, 'x');
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + field + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, APacedConnectionCarriesTheSameBytes) {
  Start({.connection_rate_bytes = 10'000'000});
  const std::string body(300'000, 'b');
  EXPECT_THAT(Exchange("PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body),
              EndsWith("PUT /: " + body));
}

TEST_F(HttpServerTest, AResetAskedForComesInTheMiddleOfTheAnswer) {
  handler_.reset_share = 0.5;
  Start();
  Socket socket = Connect();
  socket.SendAll("GET /0123456789 HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string answer;
  EXPECT_TRUE(EndsInReset(socket, answer));
  EXPECT_THAT(answer, Not(HasSubstr("GET /0123456789")));
}

TEST_F(HttpServerTest, AResetAskedForComesInTheMiddleOfTheRequestsBody) {
  handler_.reset_share = 0.5;
  Start();
  auto failed = handler_.failed.get_future();
  Socket socket = Connect();
  socket.SendAll("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n123456789");
  std::string answer;
  EXPECT_TRUE(EndsInReset(socket, answer));
  EXPECT_THAT(answer, IsEmpty());
  EXPECT_EQ(failed.get().code(), ErrorCode::kUnavailable);
}

TEST_F(HttpServerTest, ClosesConnectionsOverItsLimit) {
  Start({.connections_max = 1});
  Socket first = Connect();
  first.SendAll("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ReceiveUntil(first, "GET /: ");
  EXPECT_THAT(Connect().ReceiveAll(), IsEmpty());
  EXPECT_EQ(server_->stats().connections_refused, 1U);
}

TEST_F(HttpServerTest, StopLetsARunningRequestFinishAndClosesIdleConnections) {
  Start();
  Socket idle = Connect();
  idle.SendAll("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ReceiveUntil(idle, "GET /: ");
  // The next connection is the other loop's: a handler that blocks it does not block this one.
  Socket busy = Connect();
  busy.SendAll("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.begun.get_future().wait();
  auto stopped = std::async(std::launch::async, [this] { server_->Stop(); });
  EXPECT_THAT(idle.ReceiveAll(), IsEmpty());
  handler_.gate.set_value();
  const std::string answer = busy.ReceiveAll();
  EXPECT_THAT(answer, EndsWith("GET /late: "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  stopped.get();
  EXPECT_EQ(server_->stats().connections_open, 0U);
}

TEST_F(HttpServerTest, StopDoesNotWaitForAPeerThatHasItsAnswerAndDoesNotClose) {
  // Longer than any test may run.
  Start({.drain_timeout = std::chrono::hours(1)});
  Socket socket = Connect();
  socket.SendAll("GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(socket.ReceiveAll(), EndsWith("GET /1: "));
  server_->Stop();
  EXPECT_EQ(server_->stats().connections_open, 0U);
}

TEST_F(HttpServerTest, StopWaitsForAHandlerWhoseConnectionIsClosed) {
  Start({.drain_timeout = std::chrono::seconds(0),
         .stop_report_interval = std::chrono::milliseconds(1)});
  Socket socket = Connect();
  socket.SendAll("GET /waiting HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.begun.get_future().wait();
  bool had_ended = false;
  std::thread stopping;
  {
    StandardError log;
    stopping = std::thread([&] {
      server_->Stop();
      had_ended = handler_.has_ended;
    });
    log.Await("stopping: 1 requests are still running", 3);
  }
  EXPECT_THAT(socket.ReceiveAll(), IsEmpty());
  handler_.opened.Open();
  stopping.join();
  EXPECT_TRUE(had_ended);
}

TEST_F(HttpServerTest, StopIsTheEndOfTheListenerWhateverArrivesMeanwhile) {
  for (int round = 0; round < 50; ++round) {
    EventLoops loops(2);
    auto server = HttpServer::Start(loops, handler_, {.host = "127.0.0.1"}).value();
    const Socket arriving = Socket::ConnectTo(server->port());
    server->Stop();
  }
}

TEST_F(HttpServerTest, AnAnswerOfAnotherLengthThanPromisedEndsTheConnection) {
  Start();
  const std::string two = " HTTP/1.1\r\nHost: h\r\n\r\nGET /1 HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_THAT(Exchange("GET /short" + two), EndsWith("\r\n\r\nshort"));
  EXPECT_THAT(Exchange("GET /endless" + two), EndsWith("\r\n\r\nten bytes."));
}

TEST_F(HttpServerTest, SaysWhereItCannotListen) {
  Start();
  HttpServerOptions taken{.host = "127.0.0.1", .port = server_->port()};
  EXPECT_THAT(HttpServer::Start(loops_, handler_, taken), HasCode(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace headrace::net
