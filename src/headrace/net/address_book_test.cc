// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/address_book.h"

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"
#include "testing/result_matchers.h"
#include "testing/thread_gate.h"

namespace headrace::net {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::ThreadGate;

// A resolver that answers once its gate is open.
struct GatedResolver {
  std::shared_ptr<ThreadGate> gate = ThreadGate::Make();
  std::shared_ptr<std::atomic<int>> count = std::make_shared<std::atomic<int>>(0);

  Result<TcpEndpoints> operator()(const HttpEndpoint& endpoint) const {
    ++*count;
    gate->Wait();
    return TcpEndpoints{{asio::ip::make_address("192.0.2.1"), endpoint.port}};
  }
};

class AddressBookTest : public ::testing::Test {
 protected:
  ~AddressBookTest() override { resolver_.gate->Open(); }

  Result<TcpEndpoints> Find(Deadline deadline, std::stop_token stop) {
    return RunBlocking(loops_.At(0), book_.Find(name_, deadline, std::move(stop)));
  }

  const HttpEndpoint name_{.host = "store.example", .port = 9000};
  GatedResolver resolver_;
  AddressBook book_{resolver_};
  EventLoops loops_{1};
};

TEST_F(AddressBookTest, ADeadlineEndsALookupThatHangs) {
  const auto soon =
      Deadline::After(std::chrono::milliseconds(20), std::chrono::steady_clock::now());
  EXPECT_THAT(Find(soon, {}), HasCode(ErrorCode::kTimedOut));
}

TEST_F(AddressBookTest, AStopEndsALookupThatHangs) {
  std::stop_source stop;
  std::jthread stopper([&] {
    resolver_.gate->AwaitArrivals(1);
    stop.request_stop();
  });
  EXPECT_THAT(Find({}, stop.get_token()), HasCode(ErrorCode::kCancelled));
}

TEST_F(AddressBookTest, OneLookupAnswersAllWhoAskMeanwhileAndLater) {
  const auto soon =
      Deadline::After(std::chrono::milliseconds(20), std::chrono::steady_clock::now());
  EXPECT_THAT(Find(soon, {}), HasCode(ErrorCode::kTimedOut));
  resolver_.gate->Open();
  for (int i = 0; i < 3; ++i) {
    const auto found = Find({}, {});
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->front().port(), 9000);
  }
  EXPECT_LE(*resolver_.count, 2);
}

TEST(AddressBook, ConnectionsThatStartTogetherSpreadOverAllAddresses) {
  const auto gate = ThreadGate::Make();
  AddressBook book([gate](const HttpEndpoint& endpoint) -> Result<TcpEndpoints> {
    gate->Wait();
    TcpEndpoints addresses;
    for (const char* text : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
      addresses.emplace_back(asio::ip::make_address(text), endpoint.port);
    }
    return addresses;
  });
  EventLoops loops(1);
  const HttpEndpoint name{.host = "store.example", .port = 9000};
  std::vector<std::future<Result<TcpEndpoints>>> asked;
  for (int i = 0; i < 8; ++i) {
    asked.push_back(asio::co_spawn(loops.At(0), book.Find(name, {}, {}), asio::use_future));
  }
  // All have begun to wait once the loop has come to what was posted after them.
  asio::post(loops.At(0), asio::use_future).get();
  gate->Open();
  std::map<asio::ip::tcp::endpoint, int> fronts;
  for (auto& answer : asked) {
    const auto found = answer.get();
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->size(), 4U);
    ++fronts[found->front()];
  }
  EXPECT_EQ(fronts.size(), 4U);
  for (const auto& [address, count] : fronts) EXPECT_EQ(count, 2) << address;
}

TEST(AddressBook, AnAddressNeedsNoResolver) {
  AddressBook book([](const HttpEndpoint&) -> Result<TcpEndpoints> {
    return Fail(ErrorCode::kInternal, "asked");
  });
  EventLoops loops(1);
  const HttpEndpoint literal{.host = "::1", .port = 80};
  const auto found = RunBlocking(loops.At(0), book.Find(literal, {}, {}));
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(found->front().address().is_v6());
}

}  // namespace
}  // namespace headrace::net
