// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_client.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/event_loops.h"
#include "testing/result_matchers.h"
#include "testing/scripted_peer.h"

namespace headrace::net {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::PeerEnd;
using headrace::testing::Reply;
using headrace::testing::ScriptedPeer;
using headrace::testing::ThreadGate;
using ::testing::HasSubstr;

struct Answered {
  int status = 0;
  std::string body;
};

Task<Result<Answered>> SendAndRead(HttpClient& client, const HttpCall& call) {
  HR_CO_TRY_ASSIGN(HttpAnswer answer, co_await client.Send(call));
  HR_CO_TRY_ASSIGN(std::string body, co_await answer.ReadText(1 << 20));
  co_return Answered{.status = answer.status(), .body = std::move(body)};
}

Task<Result<Answered>> SendAndDrop(HttpClient& client, const HttpCall& call) {
  HR_CO_TRY_ASSIGN(const HttpAnswer answer, co_await client.Send(call));
  co_return Answered{.status = answer.status()};
}

// Reads the body to `target`, as much of it as there is room for.
Task<Result<size_t>> SendAndFill(HttpClient& client, const HttpCall& call,
                                 std::span<std::byte> target) {
  HR_CO_TRY_ASSIGN(HttpAnswer answer, co_await client.Send(call));
  const size_t at_once = answer.ReadAtOnce(target);
  const auto rest = target.subspan(at_once);
  HR_CO_TRY_ASSIGN(const size_t later, co_await answer.ReadFull(rest));
  co_return at_once + later;
}

class HttpClientTest : public ::testing::Test {
 protected:
  HttpCall CallTo(const ScriptedPeer& peer) const {
    HttpCall call;
    call.endpoint = ParseHttpEndpoint(peer.url()).value();
    return call;
  }
  // To a TLS server that only `proxy` reaches, which the client talks to from now on.
  HttpCall CallThroughTunnel(const ScriptedPeer& proxy) {
    HttpClientOptions options;
    options.proxy = ParseHttpEndpoint(proxy.url()).value();
    client_ = HttpClient::Make(options).value();
    HttpCall call;
    call.endpoint = {.is_tls = true, .host = "bucket.example", .port = 443};
    return call;
  }
  Result<Answered> Get(const HttpCall& call) {
    return RunBlocking(loops_.At(0), SendAndRead(*client_, call));
  }

  EventLoops loops_{1};
  // Only what a test sets ends a call within an hour.
  std::unique_ptr<HttpClient> client_ =
      HttpClient::Make({.idle_timeout = std::chrono::hours(1)}).value();
};

TEST_F(HttpClientTest, KeepsOneConnectionForRequestsInTurn) {
  ScriptedPeer peer;
  peer.Then({.body = "one"}).Then({.body = ""}).Then({.body = "three"});
  HttpCall call = CallTo(peer);
  call.headers.Add("X-Test", "yes");
  EXPECT_EQ(Get(call)->body, "one");
  EXPECT_EQ(Get(call)->body, "");
  EXPECT_EQ(Get(call)->body, "three");
  EXPECT_EQ(peer.connection_count(), 1U);
  EXPECT_EQ(peer.requests()[0].Header("x-test"), "yes");
  EXPECT_EQ(peer.requests()[0].Header("host"), "127.0.0.1:" + std::to_string(peer.port()));
  EXPECT_EQ(client_->stats().connections_idle, 1U);
}

TEST_F(HttpClientTest, SendsABodyAndReadsAChunkedAnswer) {
  ScriptedPeer peer;
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\n"})
      .Then({.body = "again"});
  HttpCall call = CallTo(peer);
  call.method = "PUT";
  const std::string body(300'000, 'b');
  call.body = AsBytes(body);
  EXPECT_EQ(Get(call)->body, "Wikipedia");
  EXPECT_EQ(peer.requests()[0].body, body);
  EXPECT_EQ(Get(call)->body, "again");
  EXPECT_EQ(peer.connection_count(), 1U);
}

// Heads of one length and of others, bodies of every framing, read to where they may land and to
// elsewhere.
TEST_F(HttpClientTest, ABodyIsWholeWhereverItLands) {
  ScriptedPeer peer;
  std::vector<std::string> bodies;
  for (const size_t pad : {5U, 5U, 400U, 400U, 5U, 5U}) {
    bodies.push_back(std::string(50'000, static_cast<char>('a' + bodies.size())) + "end");
    peer.Then({.headers = {{"X-Pad", std::string(pad, 'p')}}, .body = bodies.back()});
  }
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n0\r\n\r\n"});
  bodies.emplace_back("Wiki");
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\ncontent-LENGTH: 3\r\n\r\nodd"});
  bodies.emplace_back("odd");
  for (size_t index = 0; index < bodies.size(); ++index) {
    SCOPED_TRACE(index);
    std::string landing(60'000, '\0');
    std::string elsewhere(60'000, '\0');
    HttpCall call = CallTo(peer);
    call.landing = std::as_writable_bytes(std::span(landing));
    std::string& target = index % 4 == 3 ? elsewhere : landing;
    const auto target_bytes = std::as_writable_bytes(std::span(target));
    const auto got = RunBlocking(loops_.At(0), SendAndFill(*client_, call, target_bytes));
    ASSERT_THAT(got, IsOk());
    EXPECT_EQ(target.substr(0, *got), bodies[index]);
  }
  EXPECT_EQ(peer.connection_count(), 1U);
}

TEST_F(HttpClientTest, ARequestThatWaitsForItsAnswerHasNoMemoryForIt) {
  class Memory final : public TargetMemory {
   public:
    std::span<std::byte> Find() override {
      is_found = true;
      return std::as_writable_bytes(std::span(bytes));
    }
    std::string bytes = std::string(1000, '\0');
    std::atomic<bool> is_found = false;
  };
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  const std::string body(1000, 'b');
  peer.Then({.body = body}).Then({.body = body, .stall_gate = gate});
  EXPECT_EQ(Get(CallTo(peer))->body, body);

  Memory memory;
  HttpCall call = CallTo(peer);
  call.landing = ByteTarget(body.size(), memory);
  bool was_found_early = false;
  std::thread watcher([&] {
    peer.AwaitRequests(2);
    // Behind whatever the loop does before it waits for the answer.
    RunBlocking(loops_.At(0), [] -> Task<int> { co_return 0; }());
    was_found_early = memory.is_found;
    gate->Open();
  });
  EXPECT_EQ(Get(call)->body, body);
  watcher.join();
  EXPECT_FALSE(was_found_early);
  EXPECT_EQ(memory.bytes, body);
  EXPECT_EQ(peer.connection_count(), 1U);
}

// The wait for an answer whose place is known is another one than that for a connection's first.
TEST_F(HttpClientTest, AWaitForAnAnswerThatWillLandEndsAsOthersDo) {
  ScriptedPeer peer;
  std::string landing(1000, '\0');
  const auto wait_for_second = [&](HttpCall call) {
    const size_t before = peer.requests().size();
    peer.Then({.body = "first"}).Then({.stall_gate = std::make_shared<ThreadGate>()});
    EXPECT_EQ(Get(CallTo(peer))->body, "first");
    call.landing = std::as_writable_bytes(std::span(landing));
    auto got = Get(call);
    peer.AwaitRequests(before + 2);
    return got;
  };
  HttpCall impatient = CallTo(peer);
  impatient.answer_timeout = std::chrono::milliseconds(1);
  EXPECT_THAT(wait_for_second(impatient), HasCode(ErrorCode::kTimedOut));

  HttpCall stopped = CallTo(peer);
  std::stop_source stop;
  stopped.stop = stop.get_token();
  std::thread stopper([&] {
    peer.AwaitRequests(4);
    stop.request_stop();
  });
  EXPECT_THAT(wait_for_second(stopped), HasCode(ErrorCode::kCancelled));
  stopper.join();

  peer.Then({.body = "first"}).Then({.cut_after_bytes = 0}).Then({.body = "again"});
  EXPECT_EQ(Get(CallTo(peer))->body, "first");
  HttpCall lost = CallTo(peer);
  lost.landing = std::as_writable_bytes(std::span(landing));
  EXPECT_EQ(Get(lost)->body, "again") << "on a new connection";
}

TEST_F(HttpClientTest, BytesNobodyAskedForEndTheirConnection) {
  ScriptedPeer peer;
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"})
      .Then({.body = "two"});
  EXPECT_EQ(Get(CallTo(peer))->body, "one");
  EXPECT_EQ(Get(CallTo(peer))->body, "two");
  EXPECT_EQ(peer.connection_count(), 2U);
}

TEST_F(HttpClientTest, AnAnswerWithoutLengthEndsWithItsConnection) {
  ScriptedPeer peer;
  peer.Then({.raw = "HTTP/1.1 200 OK\r\n\r\nuntil the end", .end = PeerEnd::kClose})
      .Then({.body = "next"});
  EXPECT_EQ(Get(CallTo(peer))->body, "until the end");
  EXPECT_EQ(Get(CallTo(peer))->body, "next");
  EXPECT_EQ(peer.connection_count(), 2U);
}

TEST_F(HttpClientTest, ADroppedAnswerGivesItsConnectionUp) {
  ScriptedPeer peer;
  peer.Then({.body = std::string(1000, 'x')}).Then({.body = "next"});
  const HttpCall call = CallTo(peer);
  EXPECT_EQ(RunBlocking(loops_.At(0), SendAndDrop(*client_, call))->status, 200);
  EXPECT_EQ(Get(call)->body, "next");
  EXPECT_EQ(peer.connection_count(), 2U);
}

TEST_F(HttpClientTest, BytesBehindAnAnswerGiveItsConnectionUp) {
  ScriptedPeer peer;
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"})
      .Then({.raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"})
      .Then({.body = "two"});
  HttpCall head = CallTo(peer);
  head.method = "HEAD";
  EXPECT_EQ(Get(head)->body, "");
  EXPECT_EQ(Get(CallTo(peer))->body, "one");
  EXPECT_EQ(Get(CallTo(peer))->body, "two");
  EXPECT_EQ(peer.connection_count(), 3U);
}

TEST_F(HttpClientTest, AKeptConnectionThatWasClosedIsReplacedOnce) {
  ScriptedPeer peer;
  peer.Then({.body = "one", .end = PeerEnd::kClose}).Then({.body = "two"});
  EXPECT_EQ(Get(CallTo(peer))->body, "one");
  EXPECT_EQ(Get(CallTo(peer))->body, "two");
}

// The peer has read the second request whole when it closes the kept connection.
TEST_F(HttpClientTest, OnlyWhatChangesNothingIsSentAgainOnceItWasSent) {
  for (const char* method : {"GET", "POST"}) {
    SCOPED_TRACE(method);
    ScriptedPeer peer;
    peer.Then({.body = "one"})
        .Then({.cut_after_bytes = 0, .end = PeerEnd::kClose})
        .Then({.body = "again"});
    HttpCall call = CallTo(peer);
    EXPECT_EQ(Get(call)->body, "one");
    call.method = method;
    call.sends_body = call.method == "POST";
    const auto answered = Get(call);
    if (call.method == "GET") {
      ASSERT_THAT(answered, IsOk());
      EXPECT_EQ(answered->body, "again");
      EXPECT_EQ(peer.requests().size(), 3U);
    } else {
      EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
      EXPECT_EQ(peer.requests().size(), 2U);
    }
  }
}

TEST_F(HttpClientTest, AFreshConnectionIsMadeWhereOneIsAskedFor) {
  ScriptedPeer peer;
  peer.Then({.body = "one"}).Then({.body = "two"});
  HttpCall call = CallTo(peer);
  EXPECT_EQ(Get(call)->body, "one");
  call.needs_fresh_connection = true;
  EXPECT_EQ(Get(call)->body, "two");
  EXPECT_EQ(peer.connection_count(), 2U);
}

TEST_F(HttpClientTest, AFreshConnectionThatBreaksIsUnavailable) {
  ScriptedPeer peer;
  peer.Then({.cut_after_bytes = 0, .end = PeerEnd::kClose});
  EXPECT_THAT(Get(CallTo(peer)), HasCode(ErrorCode::kUnavailable));
  EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(HttpClientTest, ABodyThatBreaksOffIsUnavailableNotShort) {
  ScriptedPeer peer;
  Reply cut{.body = std::string(1000, 'x'), .end = PeerEnd::kClose};
  cut.cut_after_bytes = cut.head_size_bytes() + 10;
  peer.Then(cut);
  const auto answered = Get(CallTo(peer));
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr("in the middle of the body"));
}

TEST_F(HttpClientTest, InterimAnswersWithoutEndAreRefused) {
  ScriptedPeer peer;
  std::string answers;
  for (int i = 0; i < 100; ++i) answers += "HTTP/1.1 100 Continue\r\n\r\n";
  peer.Then({.raw = answers + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  const auto answered = Get(CallTo(peer));
  EXPECT_THAT(answered, HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(answered.error().message(), HasSubstr("interim answers"));
}

TEST_F(HttpClientTest, ASilentServerEndsAtTheDeadline) {
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  peer.Then({.stall_gate = gate});
  HttpCall call = CallTo(peer);
  call.deadline = Deadline::After(std::chrono::milliseconds(20), std::chrono::steady_clock::now());
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kTimedOut));
}

TEST_F(HttpClientTest, ASilentServerEndsAtTheIdleTimeout) {
  client_ = HttpClient::Make({.idle_timeout = std::chrono::milliseconds(1)}).value();
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  peer.Then({.stall_gate = gate});
  EXPECT_THAT(Get(CallTo(peer)), HasCode(ErrorCode::kTimedOut));
}

TEST_F(HttpClientTest, ASilentServerEndsAtTheAnswerTimeoutOfTheCall) {
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  peer.Then({.stall_gate = gate});
  HttpCall call = CallTo(peer);
  call.answer_timeout = std::chrono::milliseconds(1);
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kTimedOut));
}

TEST_F(HttpClientTest, TheClientsIdleTimeoutIsKeptThoughTheCallGivesMore) {
  client_ = HttpClient::Make({.idle_timeout = std::chrono::milliseconds(1)}).value();
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  peer.Then({.stall_gate = gate});
  HttpCall call = CallTo(peer);
  call.answer_timeout = std::chrono::hours(1);
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kTimedOut));
}

TEST_F(HttpClientTest, ADeadlineEndsABodyInItsMiddle) {
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  Reply stalled{.body = std::string(1000, 'x'), .stall_gate = gate};
  stalled.stall_after_bytes = stalled.head_size_bytes() + 10;
  peer.Then(stalled);
  HttpCall call = CallTo(peer);
  call.deadline = Deadline::After(std::chrono::milliseconds(200), std::chrono::steady_clock::now());
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kTimedOut));
}

TEST_F(HttpClientTest, ACallWhoseDeadlineHasPassedIsNotSent) {
  ScriptedPeer peer;
  HttpCall call = CallTo(peer);
  call.deadline = Deadline(std::chrono::steady_clock::now());
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kTimedOut));
  EXPECT_EQ(peer.connection_count(), 0U);
}

TEST_F(HttpClientTest, AStopRequestEndsAWaitingCall) {
  ScriptedPeer peer;
  auto gate = std::make_shared<ThreadGate>();
  peer.Then({.stall_gate = gate});
  std::stop_source stop;
  HttpCall call = CallTo(peer);
  call.stop = stop.get_token();
  std::thread stopper([&] {
    peer.AwaitRequests(1);
    stop.request_stop();
  });
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kCancelled));
  stopper.join();
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kCancelled));
  EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(HttpClientTest, GarbageInsteadOfAHeadIsCorrupt) {
  ScriptedPeer peer;
  peer.Then({.raw = "SSH-2.0-OpenSSH_9.2\r\n\r\n", .end = PeerEnd::kClose});
  EXPECT_THAT(Get(CallTo(peer)), HasCode(ErrorCode::kCorrupt));
}

TEST_F(HttpClientTest, AHeadWithoutEndIsCorruptNotEndlessMemory) {
  ScriptedPeer peer;
  peer.Then({.raw = "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'), .end = PeerEnd::kClose});
  EXPECT_THAT(Get(CallTo(peer)), HasCode(ErrorCode::kCorrupt));
}

TEST_F(HttpClientTest, ALineBreakInAHeaderIsRefusedBeforeItTravels) {
  ScriptedPeer peer;
  HttpCall call = CallTo(peer);
  call.headers.Add("X-Test", "a\r\nX-Other: b");
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_EQ(peer.connection_count(), 0U);
}

TEST_F(HttpClientTest, ARefusedConnectionNamesTheEndpoint) {
  std::string url;
  {
    const ScriptedPeer gone;
    url = gone.url();
  }
  HttpCall call;
  call.endpoint = ParseHttpEndpoint(url).value();
  const auto answered = Get(call);
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr(url.substr(7)));
}

TEST_F(HttpClientTest, ARefusedConnectionToTheProxyNamesTheProxy) {
  std::string url;
  {
    const ScriptedPeer gone;
    url = gone.url();
  }
  HttpClientOptions options;
  options.proxy = ParseHttpEndpoint(url).value();
  client_ = HttpClient::Make(options).value();
  HttpCall call;
  call.endpoint = {.host = "bucket.example", .port = 80};
  const auto answered = Get(call);
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr("proxy " + url.substr(7)));
}

TEST_F(HttpClientTest, PlainRequestsThroughAProxyCarryTheWholeUrl) {
  ScriptedPeer proxy;
  proxy.Then({.body = "from the proxy"});
  HttpClientOptions options;
  options.proxy = ParseHttpEndpoint(proxy.url()).value();
  options.proxy_authorization = "Basic dTpw";
  client_ = HttpClient::Make(options).value();
  HttpCall call;
  call.endpoint = {.host = "bucket.example", .port = 80};
  call.target = "/key";
  EXPECT_EQ(Get(call)->body, "from the proxy");
  EXPECT_EQ(proxy.requests()[0].target, "http://bucket.example/key");
  EXPECT_EQ(proxy.requests()[0].Header("proxy-authorization"), "Basic dTpw");
}

TEST_F(HttpClientTest, TlsThroughAProxyAsksForATunnel) {
  ScriptedPeer proxy;
  proxy.Then({.status = 407, .end = PeerEnd::kClose});
  HttpCall call = CallThroughTunnel(proxy);
  const auto answered = Get(call);
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr("status 407"));
  EXPECT_EQ(proxy.requests()[0].method, "CONNECT");
  EXPECT_EQ(proxy.requests()[0].target, "bucket.example:443");
  proxy.Then({.status = 407, .end = PeerEnd::kClose});
  call.endpoint.host = "fd00::5";
  EXPECT_THAT(Get(call), HasCode(ErrorCode::kUnavailable));
  EXPECT_EQ(proxy.requests()[1].target, "[fd00::5]:443");
}

TEST_F(HttpClientTest, WhatAProxySaysBehindItsTunnelIsNoAnswer) {
  ScriptedPeer proxy;
  proxy.Then({.raw = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"});
  HttpCall call = CallThroughTunnel(proxy);
  const auto answered = Get(call);
  EXPECT_THAT(answered, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(answered.error().message(), HasSubstr("sent bytes of its own into the tunnel"));
}

TEST(IsLoopback, IsAboutAddressesNotAboutHowTheyBegin) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "::1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"127.example.org", "128.0.0.1", "::2", "example.org", "127.0.0.1.x"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(HttpEndpoint, ParsesAndRefuses) {
  const HttpEndpoint v6 = ParseHttpEndpoint("https://[::1]:8443").value();
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 8443);
  EXPECT_EQ(HostHeader(v6), "[::1]:8443");
  EXPECT_EQ(HostHeader(ParseHttpEndpoint("http://s3.example/").value()), "s3.example");
  for (const char* url : {"s3.example", "ftp://x", "http://", "http://h:0", "http://h:70000",
                          "http://h/path", "http://u@h", "http://h:", "http://[::1"}) {
    EXPECT_THAT(ParseHttpEndpoint(url), HasCode(ErrorCode::kInvalidArgument)) << url;
  }
}

}  // namespace
}  // namespace headrace::net
