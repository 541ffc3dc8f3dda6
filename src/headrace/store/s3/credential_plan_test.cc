// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/credential_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/s3/credential_replies.h"
#include "testing/result_matchers.h"

namespace headrace::s3 {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using testing::HasMessage;
using testing::IsOk;
using Variables = std::map<std::string, std::string>;

Result<CredentialPlan> Plan(const Variables& variables, std::string_view config = {},
                            const std::string& profile = "default", bool is_explicit = false) {
  return PlanCredentials(profile, is_explicit, Environment(variables),
                         MergeProfileFiles(config, {}));
}
std::string KeyOf(const Result<CredentialPlan>& plan) {
  const auto* const step = plan ? std::get_if<StaticStep>(&plan->base) : nullptr;
  return step == nullptr ? "none" : step->keys.access_key_id;
}

const Variables kKeys = {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
constexpr std::string_view kProfileKeys =
    "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\naws_session_token = t\n";

TEST(CredentialPlan, TheEnvironmentWinsUnlessAProfileIsNamedByFlag) {
  EXPECT_EQ(KeyOf(Plan(kKeys, kProfileKeys)), "ENV");
  EXPECT_EQ(KeyOf(Plan(kKeys, kProfileKeys, "default", true)), "FILE");
  EXPECT_EQ(KeyOf(Plan({}, kProfileKeys)), "FILE");
  const auto half = Plan({{"AWS_ACCESS_KEY_ID", "ENV"}});
  EXPECT_THAT(half, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(half, HasMessage("AWS_SECRET_ACCESS_KEY is not"));
}

TEST(CredentialPlan, EverySourceHasItsPlaceInTheOrder) {
  Variables variables = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"},
                         {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                         {"AWS_ROLE_ARN", "arn:role"}};
  const auto web = Plan(variables, kProfileKeys);
  ASSERT_THAT(web, IsOk());
  EXPECT_EQ(std::get<WebIdentityStep>(web->base).token_file, "/token");
  variables.erase("AWS_ROLE_ARN");
  EXPECT_EQ(KeyOf(Plan(variables, kProfileKeys)), "FILE");
  const auto process = Plan(variables, "[default]\ncredential_process = /bin/x \"a b\"\n");
  ASSERT_THAT(process, IsOk());
  EXPECT_EQ(std::get<ProcessStep>(process->base).command, "/bin/x \"a b\"");
  const auto container = Plan(variables);
  ASSERT_THAT(container, IsOk());
  EXPECT_EQ(std::get<ContainerStep>(container->base).url, "http://169.254.170.2/v2/x");
  const auto instance = Plan({});
  ASSERT_THAT(instance, IsOk());
  EXPECT_EQ(std::get<InstanceStep>(instance->base).endpoint_url, "http://169.254.169.254");
  EXPECT_THAT(Plan({{"AWS_EC2_METADATA_DISABLED", "TRUE"}}),
              HasMessage("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
}

TEST(CredentialPlan, RolesAreAssumedFromTheInnermostProfileOut) {
  const std::string_view config =
      "[profile a]\nrole_arn = A\nsource_profile = b\nexternal_id = x\n"
      "[profile b]\nrole_arn = B\nsource_profile = c\n"
      "[profile c]\naws_access_key_id = C\naws_secret_access_key = s\n"
      "[profile self]\nrole_arn = S\nsource_profile = self\naws_access_key_id = SELF\n"
      "aws_secret_access_key = s\n"
      "[profile web]\nrole_arn = W\nweb_identity_token_file = /t\n"
      "[profile env]\nrole_arn = E\ncredential_source = Environment\n";
  const auto chained = Plan({}, config, "a");
  ASSERT_THAT(chained, IsOk());
  EXPECT_EQ(KeyOf(chained), "C");
  ASSERT_EQ(chained->roles.size(), 2U);
  EXPECT_EQ(chained->roles[0].role_arn, "B");
  EXPECT_EQ(chained->roles[1].role_arn, "A");
  EXPECT_EQ(chained->roles[1].external_id, "x");
  const auto self = Plan({}, config, "self");
  ASSERT_THAT(self, IsOk());
  EXPECT_EQ(KeyOf(self), "SELF");
  EXPECT_EQ(self->roles.size(), 1U);
  const auto web = Plan({}, config, "web");
  ASSERT_THAT(web, IsOk());
  EXPECT_EQ(std::get<WebIdentityStep>(web->base).role_arn, "W");
  const auto env = Plan(kKeys, config, "env", true);
  ASSERT_THAT(env, IsOk());
  EXPECT_EQ(KeyOf(env), "ENV");
  EXPECT_EQ(env->roles.at(0).role_arn, "E");
}

TEST(CredentialPlan, IncompleteAndUnsupportedProfilesSayWhatToDo) {
  EXPECT_THAT(Plan({},
                   "[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\nrole_arn = B\n"
                   "source_profile = a\n",
                   "a"),
              HasMessage("circles"));
  EXPECT_THAT(Plan({}, "[profile a]\nrole_arn = A\n", "a"), HasMessage("exactly one"));
  EXPECT_THAT(Plan({}, "[profile a]\nrole_arn = A\nsource_profile = b\n", "a"),
              HasMessage("source_profile 'b'"));
  EXPECT_THAT(Plan({}, "[profile a]\nsso_session = s\n", "a"), HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(Plan({}, "[profile a]\nrole_arn = A\nsource_profile = a\nmfa_serial = m\n", "a"),
              HasMessage("mfa_serial"));
  EXPECT_THAT(Plan({}, "[profile a]\naws_access_key_id = A\n", "a"), HasMessage("only one of"));
}

TEST(CredentialPlan, KeysAreNotFetchedOverPlainHttpFromAfar) {
  const auto plan = [](const char* url) {
    return Plan({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}});
  };
  EXPECT_THAT(plan("http://example.com/x"), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(plan("https://example.com/x"), IsOk());
  EXPECT_THAT(plan("http://127.0.0.1:80/x"), IsOk());
  EXPECT_THAT(plan("http://[::1]/x"), IsOk());
  EXPECT_THAT(plan("http://169.254.170.23/v1/credentials"), IsOk());
}

TEST(CredentialReplies, KeysAndExpiryAreRead) {
  const auto keys = ReadEndpointReply(
      R"({"Code":"Success","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T",)"
      R"("Expiration":"2024-02-29T12:00:00Z"})",
      "endpoint");
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->keys, (AccessKeys{"AK", "SK", "T"}));
  EXPECT_EQ(keys->expires, ParseAmzDate("20240229T120000Z"));
  EXPECT_EQ(keys->source, "endpoint");
  const auto printed =
      ReadProcessReply(R"({"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK"})", "p");
  ASSERT_THAT(printed, IsOk());
  EXPECT_EQ(printed->expires, std::nullopt);
  const auto assumed = ReadStsReply(
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
      "<AssumedRoleUser/><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK"
      "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2024-02-29T12:00:00Z"
      "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
      "role");
  ASSERT_THAT(assumed, IsOk());
  EXPECT_EQ(assumed->keys.session_token, "T");
}

TEST(CredentialReplies, BrokenRepliesAreRefusedWithoutShowingThem) {
  for (const char* text :
       {"", "s3cr3t", "[]", R"({"Code":"Failed","AccessKeyId":"s3cr3t"})",
        R"({"Version":2,"AccessKeyId":"s3cr3t","SecretAccessKey":"s"})",
        R"({"Version":1,"AccessKeyId":"s3cr3t"})",
        R"({"Version":1,"AccessKeyId":"s3cr3t","SecretAccessKey":"s","Expiration":"soon"})"}) {
    const auto printed = ReadProcessReply(text, "p");
    EXPECT_THAT(printed, HasCode(ErrorCode::kPermissionDenied)) << text;
    if (!printed) {
      EXPECT_THAT(printed.error().message(), ::testing::Not(::testing::HasSubstr("s3cr3t")));
    }
    EXPECT_THAT(ReadStsReply(text, "r"), HasCode(ErrorCode::kPermissionDenied)) << text;
  }
}

TEST(CredentialReplies, CommandsAreSplitAsWithoutAShell) {
  EXPECT_THAT(SplitCommand("  /bin/x 'a b'\t\"c \\\" $d\" e\\ f g\"h\"i ''").value(),
              ElementsAre("/bin/x", "a b", "c \" $d", "e f", "ghi", ""));
  EXPECT_THAT(SplitCommand("x 'open"), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(SplitCommand("  "), HasCode(ErrorCode::kInvalidArgument));
}

TEST(CredentialReplies, FormsAreEncoded) {
  EXPECT_EQ(AssumeRoleForm({.role_arn = "arn:aws:iam::1:role/x",
                            .session_name = "me",
                            .external_id = "a&b",
                            .duration_seconds = "900"}),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&"
            "RoleSessionName=me&ExternalId=a%26b&DurationSeconds=900");
}

}  // namespace
}  // namespace headrace::s3
