// SPDX-License-Identifier: Apache-2.0
// The credential services and their caching, against scripted servers and a real process.
#include "headrace/store/s3/credential_chain.h"

#include <atomic>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"
#include "headrace/store/s3/credential_cache.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"
#include "testing/scripted_peer.h"
#include "testing/temp_dir.h"

namespace headrace::s3 {
namespace {

using testing::HasCode;
using testing::HasMessage;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kJsonKeys = R"({"AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T",)"
                                  R"("Expiration":"2030-01-01T00:00:00Z"})";
const std::string kStsKeys =
    "<R><X><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>SK</SecretAccessKey>"
    "<SessionToken>T</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>"
    "</X></R>";

class CredentialChainTest : public ::testing::Test {
 protected:
  Result<Credentials> Fetch(const std::map<std::string, std::string>& variables,
                            std::string_view config_text = {}) {
    const Environment environment(variables);
    ProfileFiles files = MergeProfileFiles(config_text, {});
    HR_TRY_ASSIGN(const S3Config config, ResolveConfig({}, environment, files));
    HR_TRY_ASSIGN(const auto source,
                  MakeCredentialSource(config, environment, std::move(files), RealClock()));
    return RunBlocking(loops_.At(0), source->Fetch(context_));
  }

  EventLoops loops_{1};
  CallContext context_;
  testing::ScriptedPeer peer_;
  testing::TempDir folder_;
};

TEST_F(CredentialChainTest, TheInstanceIsAskedWithATokenForItsRole) {
  peer_.Then({.body = "TOKEN"}).Then({.body = "my-role\n"}).Then({.body = kJsonKeys});
  const auto keys = Fetch({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_.url()}});
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->keys.access_key_id, "AK");
  const auto sent = peer_.requests();
  EXPECT_EQ(sent[0].method, "PUT");
  EXPECT_EQ(sent[0].Header("X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(sent[1].target, "/latest/meta-data/iam/security-credentials/");
  EXPECT_EQ(sent[2].target, "/latest/meta-data/iam/security-credentials/my-role");
  EXPECT_EQ(sent[2].Header("X-aws-ec2-metadata-token"), "TOKEN");
}

TEST_F(CredentialChainTest, NoCredentialsAnywhereSaysWhereTheyWereLookedFor) {
  peer_.Then({.status = 404});
  const auto keys = Fetch({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_.url()}});
  EXPECT_THAT(keys, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(keys, HasMessage("set AWS_ACCESS_KEY_ID"));
}

TEST_F(CredentialChainTest, TheContainerIsAskedWithTheTokenOfItsFile) {
  const std::string token_file = folder_.string() + "/token";
  std::ofstream(token_file) << "Bearer abc\n";
  peer_.Then({.status = 500}).Then({.body = kJsonKeys});
  const auto keys = Fetch({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", peer_.url() + "/creds?x=1"},
                           {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file}});
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(peer_.requests().at(1).target, "/creds?x=1");
  EXPECT_EQ(peer_.requests().at(1).Header("Authorization"), "Bearer abc");
}

TEST_F(CredentialChainTest, ARoleIsAssumedWithTheKeysOfItsSource) {
  peer_.Then({.body = kStsKeys});
  const auto keys =
      Fetch({{"AWS_PROFILE", "a"}, {"AWS_ENDPOINT_URL_STS", peer_.url()}},
            "[profile a]\nrole_arn = arn:role\nsource_profile = b\nregion = eu-west-1\n"
            "[profile b]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->keys.access_key_id, "ROLE");
  EXPECT_THAT(keys->source, HasSubstr("role arn:role by profile 'a'"));
  const auto sent = peer_.requests().at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_THAT(sent.body, StartsWith("Action=AssumeRole&"));
  EXPECT_THAT(sent.Header("Authorization"), HasSubstr("Credential=BASE/"));
  EXPECT_THAT(sent.Header("Authorization"), HasSubstr("/eu-west-1/sts/aws4_request"));
}

TEST_F(CredentialChainTest, AWebIdentityIsExchangedWithoutASignature) {
  const std::string token_file = folder_.string() + "/token";
  std::ofstream(token_file) << "j.w.t";
  peer_.Then({.body = kStsKeys});
  const std::map<std::string, std::string> variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", token_file},
                                                        {"AWS_ROLE_ARN", "arn:role"},
                                                        {"AWS_ENDPOINT_URL_STS", peer_.url()}};
  ASSERT_THAT(Fetch(variables), IsOk());
  const auto sent = peer_.requests().at(0);
  EXPECT_EQ(sent.Header("Authorization"), "");
  EXPECT_THAT(sent.body, HasSubstr("WebIdentityToken=j.w.t"));
  peer_.Then({.status = 403,
              .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
                      "</Error></ErrorResponse>"});
  const auto refused = Fetch(variables);
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused, HasMessage("not you (AccessDenied)"));
}

TEST_F(CredentialChainTest, AProcessPrintsKeys) {
  const std::string script = folder_.string() + "/keys.sh";
  std::ofstream(script) << "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"'\"$1\"'\","
                           "\"SecretAccessKey\":\"SK\"}'\nexit ${2:-0}\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const auto keys =
      Fetch({{"PATH", "/usr/bin:/bin"}}, "[default]\ncredential_process = " + script + " 'A K'\n");
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->keys.access_key_id, "A K");
  EXPECT_THAT(
      Fetch({{"PATH", "/usr/bin:/bin"}}, "[default]\ncredential_process = " + script + " AK 3\n"),
      HasMessage("exit code 3"));
  EXPECT_THAT(
      Fetch({{"PATH", "/usr/bin:/bin"}}, "[default]\ncredential_process = no-such-program-here\n"),
      HasMessage("no-such-program-here"));
}

// Gives keys that live for an hour of the manual clock; counts how often it is asked.
class CountingSource final : public CredentialSource {
 public:
  explicit CountingSource(const Clock& clock) : clock_(clock) {}
  Task<Result<Credentials>> Fetch(const CallContext& /*context*/) override {
    const int number = ++count;
    if (fails) co_return Fail(ErrorCode::kPermissionDenied, "no keys today");
    // Lets the other askers come while this fetch is on its way.
    (void)co_await gate.Wait(std::chrono::seconds(30), {});
    Credentials credentials{.keys = {.access_key_id = std::to_string(number)},
                            .expires = clock_.WallNow() + std::chrono::hours(1),
                            .source = "test"};
    co_return credentials;
  }

  std::atomic<int> count = 0;
  std::atomic<bool> fails = false;
  OneShotEvent gate;

 private:
  const Clock& clock_;
};

class CredentialCacheTest : public ::testing::Test {
 protected:
  CredentialCacheTest() {
    auto source = std::make_unique<CountingSource>(clock_);
    source_ = source.get();
    cache_ = std::make_unique<CredentialCache>(std::move(source), clock_);
  }
  std::string Get() {
    const auto keys = RunBlocking(loops_.Next(), cache_->Get(context_));
    return keys ? (*keys)->keys.access_key_id : keys.error().message();
  }

  testing::ManualClock clock_{ParseAmzDate("20240229T120000Z").value()};
  EventLoops loops_{2};
  CallContext context_;
  CountingSource* source_ = nullptr;
  std::unique_ptr<CredentialCache> cache_;
};

TEST_F(CredentialCacheTest, ManyAskersCauseOneFetch) {
  std::vector<std::future<std::string>> askers;
  for (int i = 0; i < 20; ++i)
    askers.push_back(std::async(std::launch::async, [&] { return Get(); }));
  while (source_->count == 0) std::this_thread::yield();
  source_->gate.Fire();
  for (auto& asker : askers) EXPECT_EQ(asker.get(), "1");
  EXPECT_EQ(source_->count, 1);
}

TEST_F(CredentialCacheTest, KeysAreRenewedBeforeTheyExpire) {
  source_->gate.Fire();
  EXPECT_EQ(Get(), "1");
  clock_.Advance(std::chrono::minutes(54));
  EXPECT_EQ(Get(), "1");
  clock_.Advance(std::chrono::minutes(2));
  EXPECT_EQ(Get(), "2");
}

TEST_F(CredentialCacheTest, AFailedRenewalKeepsTheOldKeysWhileTheyHold) {
  source_->gate.Fire();
  EXPECT_EQ(Get(), "1");
  source_->fails = true;
  clock_.Advance(std::chrono::minutes(56));
  EXPECT_EQ(Get(), "1");
  EXPECT_EQ(Get(), "1");
  EXPECT_EQ(source_->count, 2);  // Not asked again at once.
  clock_.Advance(std::chrono::seconds(31));
  EXPECT_EQ(Get(), "1");
  EXPECT_EQ(source_->count, 3);
  clock_.Advance(std::chrono::minutes(5));
  EXPECT_EQ(Get(), "no keys today");
}

TEST_F(CredentialCacheTest, RefusedKeysAreFetchedAnewOnce) {
  source_->gate.Fire();
  const auto old_keys = RunBlocking(loops_.Next(), cache_->Get(context_)).value();
  cache_->Refused(old_keys);
  EXPECT_EQ(Get(), "2");
  // A second request that was refused with the old keys does not throw the new ones away.
  cache_->Refused(old_keys);
  EXPECT_EQ(Get(), "2");
}

TEST_F(CredentialCacheTest, AWaitingAskerCanBeStopped) {
  auto first = std::async(std::launch::async, [&] { return Get(); });
  while (source_->count == 0) std::this_thread::yield();
  std::stop_source stop;
  stop.request_stop();
  const CallContext stopped{.deadline = {}, .stop = stop.get_token()};
  EXPECT_THAT(RunBlocking(loops_.Next(), cache_->Get(stopped)), HasCode(ErrorCode::kCancelled));
  source_->gate.Fire();
  EXPECT_EQ(first.get(), "1");
}

}  // namespace
}  // namespace headrace::s3
