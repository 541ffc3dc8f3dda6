// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/instance_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"
#include "headrace/base/time_text.h"
#include "testing/result_matchers.h"
#include "testing/scripted_peer.h"

namespace headrace::s3 {
namespace {

using testing::HasCode;
using testing::IsOk;

class InstanceNoticesTest : public ::testing::Test {
 protected:
  std::unique_ptr<InstanceNotices> Open() {
    return Make("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_.url() + "/").value();
  }
  static Result<std::unique_ptr<InstanceNotices>> Make(const std::string& name,
                                                       const std::string& value) {
    Environment environment;
    environment.Set(name, value);
    return InstanceNotices::Make(environment);
  }
  Result<std::optional<InstanceAction>> Ask(InstanceNotices& notices) {
    return RunBlocking(loops_.At(0), notices.Ask(context_));
  }

  EventLoops loops_{1};
  CallContext context_;
  testing::ScriptedPeer peer_;
};

TEST_F(InstanceNoticesTest, AsksWithOneTokenUntilAnActionIsPlanned) {
  peer_.Then({.body = "TOKEN"})
      .Then({.status = 404})
      .Then({.body = R"({"action": "terminate", "time": "2026-11-22T08:22:00Z"})"});
  const auto notices = Open();
  const auto none = Ask(*notices);
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->has_value());
  const auto planned = Ask(*notices);
  ASSERT_THAT(planned, IsOk());
  ASSERT_TRUE(planned->has_value());
  EXPECT_EQ((*planned)->action, "terminate");
  EXPECT_EQ(IsoTime((*planned)->at), "2026-11-22T08:22:00.000Z");
  const auto sent = peer_.requests();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[2].target, "/latest/meta-data/spot/instance-action");
  EXPECT_EQ(sent[2].Header("X-aws-ec2-metadata-token"), "TOKEN");
}

TEST_F(InstanceNoticesTest, FetchesANewTokenWhenTheOldOneIsRefused) {
  peer_.Then({.body = "OLD"}).Then({.status = 401}).Then({.body = "NEW"}).Then({.status = 404});
  const auto notices = Open();
  EXPECT_THAT(Ask(*notices), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(Ask(*notices), IsOk());
  EXPECT_EQ(peer_.requests().at(3).Header("X-aws-ec2-metadata-token"), "NEW");
}

TEST_F(InstanceNoticesTest, AnAnswerThatIsNoActionIsAnError) {
  for (const char* body : {"", "<html>", "[]", R"({"action": "stop"})",
                           R"({"action": 1, "time": "2026-11-22T08:22:00Z"})"}) {
    testing::ScriptedPeer peer;
    peer.Then({.body = "TOKEN"}).Then({.body = body});
    const auto notices = Make("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer.url());
    EXPECT_THAT(Ask(**notices), HasCode(ErrorCode::kCorrupt)) << body;
  }
}

TEST_F(InstanceNoticesTest, IsAbsentWhereMetadataIsDisabled) {
  const auto notices = Make("AWS_EC2_METADATA_DISABLED", "true");
  ASSERT_THAT(notices, IsOk());
  EXPECT_EQ(*notices, nullptr);
}

}  // namespace
}  // namespace headrace::s3
