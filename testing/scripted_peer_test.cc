// SPDX-License-Identifier: Apache-2.0
#include "testing/scripted_peer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/socket.h"

namespace headrace::testing {
namespace {

// Sends one request on a connection of its own and receives until the peer closes.
std::string Ask(const ScriptedPeer& peer, const std::string& request) {
  Socket socket = Socket::ConnectTo(peer.port());
  socket.SendAll(request);
  socket.ShutdownSend();
  return socket.ReceiveAll();
}

TEST(ScriptedPeer, PlaysItsStepsInOrderAndRecordsWhatCame) {
  ScriptedPeer peer;
  peer.Then({.body = "one"}).Then({.status = 503, .headers = {{"Retry-After", "1"}}});
  EXPECT_EQ(Ask(peer, "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Name:  value\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  EXPECT_THAT(Ask(peer, "PUT /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"),
              ::testing::StartsWith("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"));
  const auto requests = peer.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].target, "/a?b=c");
  EXPECT_EQ(requests[0].Header("x-name"), "value");
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_EQ(requests[1].body, "body");
  EXPECT_EQ(requests[1].connection_index, 1U);
  EXPECT_EQ(peer.unexpected_count(), 0U);
}

TEST(ScriptedPeer, OneConnectionCarriesManyRequests) {
  ScriptedPeer peer;
  peer.Then({.body = "one"}).Then({.body = "two"});
  const std::string answers = Ask(peer, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answers, ::testing::HasSubstr("one"));
  EXPECT_THAT(answers, ::testing::EndsWith("two"));
  EXPECT_EQ(peer.connection_count(), 1U);
}

TEST(ScriptedPeer, ChunkedBodiesAreRecordedDecoded) {
  ScriptedPeer peer;
  peer.Then({});
  Ask(peer,
      "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(peer.requests().at(0).body, "abcde");
}

TEST(ScriptedPeer, ARequestBeyondTheScriptGoesToTheHandlerOrCountsAsUnexpected) {
  ScriptedPeer peer;
  EXPECT_THAT(Ask(peer, "GET /a HTTP/1.1\r\n\r\n"), ::testing::StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(peer.unexpected_count(), 1U);
  peer.SetHandler([](const ReceivedRequest& request) { return Reply{.body = request.target}; });
  EXPECT_THAT(Ask(peer, "GET /echo HTTP/1.1\r\n\r\n"), ::testing::EndsWith("/echo"));
  EXPECT_EQ(peer.unexpected_count(), 1U);
}

TEST(ScriptedPeer, AnAnswerIsCutAtTheByteAskedFor) {
  ScriptedPeer peer;
  Reply reply{.body = "0123456789"};
  reply.cut_after_bytes = reply.head_size_bytes() + 4;
  peer.Then(reply);
  EXPECT_THAT(Ask(peer, "GET /a HTTP/1.1\r\n\r\n"), ::testing::EndsWith("\r\n\r\n0123"));
}

TEST(ScriptedPeer, RawBytesAreSentAsTheyAre) {
  ScriptedPeer peer;
  peer.Then({.raw = "not HTTP at all", .end = PeerEnd::kClose});
  EXPECT_EQ(Ask(peer, "GET /a HTTP/1.1\r\n\r\n"), "not HTTP at all");
}

TEST(ScriptedPeer, AnAnswerStallsUntilItsGateIsOpened) {
  ScriptedPeer peer;
  const auto gate = ThreadGate::Make();
  Reply reply{.body = "0123456789"};
  reply.stall_after_bytes = reply.head_size_bytes() + 5;
  reply.stall_gate = gate;
  peer.Then(reply);
  Socket socket = Socket::ConnectTo(peer.port());
  socket.SendAll("GET /a HTTP/1.1\r\n\r\n");
  gate->AwaitArrivals(1);
  const std::string before = socket.Receive();
  EXPECT_THAT(before, ::testing::EndsWith("01234"));
  gate->Open();
  EXPECT_EQ(socket.Receive(), "56789");
}

TEST(ScriptedPeer, AStalledPeerIsDestroyedAllTheSame) {
  auto peer = std::make_unique<ScriptedPeer>();
  const auto gate = ThreadGate::Make();
  peer->Then({.stall_gate = gate});
  Socket socket = Socket::ConnectTo(peer->port());
  socket.SendAll("GET /a HTTP/1.1\r\n\r\n");
  gate->AwaitArrivals(1);
  peer.reset();
}

TEST(ScriptedPeer, AContinueIsSentOnlyWhenTheStepSaysSo) {
  ScriptedPeer peer;
  peer.Then({}).Then({.status = 403, .reads_body = false});
  const std::string head = "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  EXPECT_THAT(Ask(peer, head + "body"), ::testing::StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_THAT(Ask(peer, head), ::testing::StartsWith("HTTP/1.1 403"));
}

TEST(ScriptedPeer, ADroppedConnectionGivesNoByte) {
  ScriptedPeer peer;
  peer.ThenDropConnection().Then({.body = "later"});
  EXPECT_EQ(Ask(peer, "GET /a HTTP/1.1\r\n\r\n"), "");
  EXPECT_THAT(Ask(peer, "GET /a HTTP/1.1\r\n\r\n"), ::testing::EndsWith("later"));
}

}  // namespace
}  // namespace headrace::testing
