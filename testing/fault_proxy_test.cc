// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_proxy.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/scripted_peer.h"

namespace headrace::testing {
namespace {

constexpr const char* kRequest = "GET /a HTTP/1.1\r\n\r\n";
constexpr const char* kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";

// What comes out of a stream fed in pieces of `piece_bytes`, and how it ends.
struct Fed {
  std::string bytes;
  FaultyStream::Output::End end = FaultyStream::Output::End::kGoesOn;
  int stall_count = 0;
};
Fed Feed(const ConnectionFault& fault, size_t piece_bytes) {
  FaultyStream stream(fault);
  const std::string answer = kAnswer;
  Fed fed;
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    const auto output = stream.Feed(answer.substr(at, piece_bytes));
    fed.bytes += output.bytes;
    fed.end = output.end;
    fed.stall_count += output.stall_at.has_value() ? 1 : 0;
    if (fed.end != FaultyStream::Output::End::kGoesOn) break;
  }
  return fed;
}

class FaultyStreamInPieces : public ::testing::TestWithParam<size_t> {};

TEST_P(FaultyStreamInPieces, EachFaultHappensAtItsByte) {
  using End = FaultyStream::Output::End;
  const size_t piece = GetParam();
  EXPECT_EQ(Feed({}, piece).bytes, kAnswer);
  EXPECT_EQ(Feed({.close_after_bytes = 12}, piece).bytes, "HTTP/1.1 200");
  EXPECT_EQ(Feed({.close_after_bytes = 12}, piece).end, End::kClose);
  const Fed reset = Feed({.counts_from_body = true, .reset_after_bytes = 4}, piece);
  EXPECT_THAT(reset.bytes, ::testing::EndsWith("\r\n\r\n0123"));
  EXPECT_EQ(reset.end, End::kReset);
  EXPECT_THAT(Feed({.counts_from_body = true, .flip_byte_at = 9}, piece).bytes,
              ::testing::EndsWith(std::string("012345678") + static_cast<char>(~'9')));
  EXPECT_EQ(Feed({.garbage_before = "\x01\x02"}, piece).bytes, std::string("\x01\x02") + kAnswer);
  EXPECT_THAT(Feed({.content_length_delta = -3}, piece).bytes,
              ::testing::HasSubstr("Content-Length: 7\r\n"));
  const Fed stalled = Feed({.counts_from_body = true, .stall_after_bytes = 5}, piece);
  EXPECT_EQ(stalled.bytes, kAnswer);
  EXPECT_EQ(stalled.stall_count, 1);
}

INSTANTIATE_TEST_SUITE_P(Pieces, FaultyStreamInPieces, ::testing::Values(1, 2, 7, 1000));

class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxyTest() {
    peer_.SetHandler([](const ReceivedRequest&) { return Reply{.body = "0123456789"}; });
  }
  std::string Ask() {
    Socket socket = Socket::ConnectTo(proxy_.port());
    if (!socket.is_open()) return "refused";
    socket.SendAll(kRequest);
    socket.ShutdownSend();
    return socket.ReceiveAll();
  }

  ScriptedPeer peer_;
  FaultProxy proxy_{peer_.port()};
};

TEST_F(FaultProxyTest, PassesBytesBothWays) {
  EXPECT_EQ(Ask(), kAnswer);
  EXPECT_EQ(peer_.requests().at(0).target, "/a");
}

TEST_F(FaultProxyTest, FaultsAreTakenOnePerConnection) {
  proxy_.Then({.close_after_bytes = 4}).ThenPass().Then({.close_after_bytes = 8, .drips = true});
  EXPECT_EQ(Ask(), "HTTP");
  EXPECT_EQ(Ask(), kAnswer);
  EXPECT_EQ(Ask(), "HTTP/1.1");
  EXPECT_EQ(Ask(), kAnswer);
  EXPECT_EQ(proxy_.connection_count(), 4U);
}

TEST_F(FaultProxyTest, AStalledConnectionGoesOnWhenReleased) {
  const auto gate = ThreadGate::Make();
  proxy_.Then({.counts_from_body = true, .stall_after_bytes = 5, .stall_gate = gate});
  Socket socket = Socket::ConnectTo(proxy_.port());
  socket.SendAll(kRequest);
  socket.ShutdownSend();
  gate->AwaitArrivals(1);
  EXPECT_THAT(socket.Receive(), ::testing::EndsWith("01234"));
  gate->Open();
  EXPECT_EQ(socket.ReceiveAll(), "56789");
}

TEST_F(FaultProxyTest, AHalfOpenConnectionDoesNotHinderDestruction) {
  proxy_.Then({.stall_after_bytes = 0});
  Socket socket = Socket::ConnectTo(proxy_.port());
  socket.SendAll(kRequest);
  peer_.AwaitRequests(1);
}

TEST_F(FaultProxyTest, RefusesAndAcceptsAgainOnTheSamePort) {
  proxy_.Refuse();
  EXPECT_EQ(Ask(), "refused");
  proxy_.Accept();
  EXPECT_EQ(Ask(), kAnswer);
}

}  // namespace
}  // namespace headrace::testing
