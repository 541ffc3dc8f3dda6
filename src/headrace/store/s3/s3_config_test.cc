// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/s3/http_proxy.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::s3 {
namespace {

using testing::HasCode;
using testing::HasMessage;
using testing::IsOk;

using Variables = std::map<std::string, std::string>;

S3Config Resolved(const S3Settings& settings, const Variables& variables,
                  std::string_view config_text = {}, std::string_view credentials_text = {}) {
  auto config = ResolveConfig(settings, Environment(variables),
                              MergeProfileFiles(config_text, credentials_text));
  EXPECT_THAT(config, IsOk());
  return config.value_or(S3Config{});
}

TEST(ProfileFiles, ReadSectionsCommentsQuotesAndNestedBlocks) {
  const ProfileFiles files = MergeProfileFiles(
      "# comment\n"
      "[default]\n"
      "region = eu-west-1   # after a blank\r\n"
      "[profile default]\n"
      "region = eu-west-2\n"
      "[profile \"my name\"]\n"
      "Role_ARN=arn:aws:iam::1:role/x;y\n"
      "s3 =\n"
      "  addressing_style = path\n"
      "  max_queue_size = 1\n"
      "output = json\n"
      "[services local]\n"
      "s3 =\n"
      "    endpoint_url = http://127.0.0.1:9000\n"
      "broken line\n"
      "[unclosed\n",
      "[my name]\n"
      "aws_access_key_id = AK\n"
      "aws_secret_access_key = a#b=c;d\n"
      "[only-here]\n");
  EXPECT_EQ(ValueOf(*files.Find("default"), "region"), "eu-west-2");
  const ProfileValues& named = *files.Find("my name");
  EXPECT_EQ(ValueOf(named, "role_arn"), "arn:aws:iam::1:role/x;y");
  EXPECT_EQ(ValueOf(named, "s3.addressing_style"), "path");
  EXPECT_EQ(ValueOf(named, "output"), "json");
  EXPECT_EQ(ValueOf(named, "aws_secret_access_key"), "a#b=c;d");
  EXPECT_EQ(ValueOf(files.services.at("local"), "s3.endpoint_url"), "http://127.0.0.1:9000");
  EXPECT_NE(files.Find("only-here"), nullptr);
  EXPECT_EQ(files.Find("nowhere"), nullptr);
}

TEST(ProfileFiles, ABrokenLineIsFound) {
  struct Row {
    const char* text;
    size_t line;
  };
  for (const Row& row : {
           Row{"", 0},
           Row{"# c\n\n[default]\r\nregion = x\ns3 =\n  a = b\n  continued\nc: d\n[p]", 0},
           Row{"[default\nfoo = 1\n", 1},
           Row{"[default]\nregion = x\nfoo\n", 3},
           Row{"region = x\n[default]\n", 1},
       }) {
    EXPECT_EQ(BrokenLine(row.text), row.line) << row.text;
  }
}

TEST(ProfileFiles, AreReadFromWhereTheEnvironmentSays) {
  const testing::TempDir folder;
  const std::string config = folder.string() + "/config";
  std::filesystem::create_directories(folder.path() / ".aws");
  std::ofstream(config) << "[default]\nregion = eu-north-1\n";
  std::ofstream(folder.path() / ".aws/credentials") << "[default]\naws_access_key_id = AK\n";
  const Variables variables = {{"HOME", folder.string()}, {"AWS_CONFIG_FILE", "~/config"}};
  const auto files = ReadProfileFiles(Environment(variables));
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(ValueOf(*files->Find("default"), "region"), "eu-north-1");
  EXPECT_EQ(ValueOf(*files->Find("default"), "aws_access_key_id"), "AK");
  EXPECT_EQ(files->config_path, config);
  const Variables elsewhere = {{"HOME", folder.string() + "/nowhere"}};
  EXPECT_THAT(ReadProfileFiles(Environment(elsewhere)), IsOk());
  const Variables a_folder = {{"AWS_CONFIG_FILE", folder.string()}};
  EXPECT_THAT(ReadProfileFiles(Environment(a_folder)), HasCode(ErrorCode::kInvalidArgument));
}

TEST(S3Config, SettingsWinOverVariablesAndThoseOverTheProfile) {
  const std::string_view file =
      "[profile p]\nregion = r3\nendpoint_url = http://p:3\nservices = s\n"
      "[services s]\ns3 =\n  endpoint_url = http://s:4\n[profile q]\nendpoint_url = http://q:5\n";
  EXPECT_EQ(Resolved({}, {}).region, "us-east-1");
  EXPECT_FALSE(Resolved({}, {}).has_custom_endpoint);
  EXPECT_EQ(Resolved({.profile = "p"}, {}, file).region, "r3");
  EXPECT_EQ(Resolved({.profile = "p"}, {}, file).endpoint.host, "s");
  EXPECT_EQ(Resolved({.profile = "q"}, {}, file).endpoint.host, "q");
  const Variables variables = {
      {"AWS_PROFILE", "p"}, {"AWS_DEFAULT_REGION", "r2"}, {"AWS_ENDPOINT_URL", "http://e:2"}};
  EXPECT_EQ(Resolved({}, variables, file).region, "r2");
  EXPECT_EQ(Resolved({}, variables, file).endpoint.host, "e");
  Variables more = variables;
  more["AWS_REGION"] = "r1";
  more["AWS_ENDPOINT_URL_S3"] = "https://[::1]:1";
  EXPECT_EQ(Resolved({}, more, file).region, "r1");
  EXPECT_EQ(Resolved({}, more, file).endpoint.host, "::1");
  const S3Settings settings{.endpoint_url = "http://flag", .region = "r0"};
  EXPECT_EQ(Resolved(settings, more, file).region, "r0");
  EXPECT_EQ(Resolved(settings, more, file).endpoint.host, "flag");
  more["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_FALSE(Resolved({}, more, file).has_custom_endpoint);
}

TEST(S3Config, WhatCannotBeUsedIsNamed) {
  const auto resolve = [](const S3Settings& settings, std::string_view file = {}) {
    return ResolveConfig(settings, Environment(), MergeProfileFiles(file, {}));
  };
  EXPECT_THAT(resolve({.profile = "nobody"}), HasMessage("'nobody'"));
  EXPECT_THAT(resolve({.endpoint_url = "localhost:9000"}), HasMessage("localhost:9000"));
  const auto with_user = resolve({.endpoint_url = "http://user:s3cr3t@h:1"});
  EXPECT_THAT(with_user, HasMessage("'http://***@h:1': a path, query or user name"));
  EXPECT_THAT(resolve({.region = "a/b"}), HasMessage("a/b"));
  EXPECT_THAT(resolve({}, "[default]\ns3 =\n addressing_style = odd\n"), HasMessage("odd"));
}

TEST(S3Config, BucketsGoIntoTheHostOnAwsAndIntoThePathElsewhere) {
  const S3Config aws = Resolved({.region = "eu-west-1"}, {});
  EXPECT_EQ(AddressOf(aws, "eu-west-1", "bucket", "a b").endpoint.host,
            "bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(AddressOf(aws, "eu-west-1", "bucket", "a b").path, "/a%20b");
  EXPECT_TRUE(AddressOf(aws, "eu-west-1", "bucket", "").endpoint.is_tls);
  EXPECT_EQ(AddressOf(aws, "cn-north-1", "b.c.d", "k").endpoint.host,
            "s3.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(AddressOf(aws, "eu-west-1", "b.c.d", "k").path, "/b.c.d/k");
  EXPECT_EQ(AddressOf(aws, "eu-west-1", "Old_Name", "k").path, "/Old_Name/k");
  const S3Config local = Resolved({.endpoint_url = "http://127.0.0.1:9000"}, {});
  EXPECT_EQ(AddressOf(local, "r", "bucket", "k").path, "/bucket/k");
  EXPECT_EQ(AddressOf(local, "r", "bucket", "").path, "/bucket");
  EXPECT_EQ(AddressOf(local, "r", "", "").path, "/");
  const S3Config virtual_host = Resolved({.endpoint_url = "http://local.test"}, {},
                                         "[default]\ns3 =\n  addressing_style = virtual\n");
  EXPECT_EQ(AddressOf(virtual_host, "r", "bucket", "k").endpoint.host, "bucket.local.test");
  const S3Config path = Resolved({}, {}, "[default]\ns3 =\n  addressing_style = path\n");
  EXPECT_EQ(AddressOf(path, "us-east-1", "bucket", "k").path, "/bucket/k");
}

TEST(S3Config, TakesTheNumberOfTriesFromEnvironmentOrProfile) {
  const RetryOptions defaults;
  EXPECT_EQ(Resolved({}, {}).retry.unanswered_count_max, defaults.unanswered_count_max);
  const std::string profile = "[default]\nmax_attempts = 7\n";
  const S3Config by_profile = Resolved({}, {}, profile);
  EXPECT_EQ(by_profile.retry.attempt_count_max, 7U);
  EXPECT_EQ(by_profile.retry.unanswered_count_max, 7U);
  EXPECT_EQ(Resolved({}, {{"AWS_MAX_ATTEMPTS", "2"}}, profile).retry.attempt_count_max, 2U);
  for (const char* wrong : {"0", "many", "-1", "1001"}) {
    const Variables variables = {{"AWS_MAX_ATTEMPTS", wrong}};
    EXPECT_THAT(ResolveConfig({}, Environment(variables), {}), HasCode(ErrorCode::kInvalidArgument))
        << wrong;
  }
}

TEST(HttpProxy, IsChosenBySchemeAndLeftOutForNoProxy) {
  const net::HttpEndpoint http{.is_tls = false, .host = "store.example.com", .port = 9000};
  const net::HttpEndpoint https{.is_tls = true, .host = "store.example.com", .port = 443};
  const auto proxy = [](const net::HttpEndpoint& endpoint, const Variables& variables) {
    const auto choice = ChooseProxy(endpoint, Environment(variables));
    EXPECT_THAT(choice, IsOk());
    return choice && choice->proxy ? choice->proxy->host : std::string();
  };
  const Variables both = {{"http_proxy", "http://plain:1"}, {"HTTPS_PROXY", "secure:2"}};
  EXPECT_EQ(proxy(http, both), "plain");
  EXPECT_EQ(proxy(https, both), "secure");
  EXPECT_EQ(proxy(http, {{"HTTP_PROXY", "http://upper:1"}}), "upper");
  EXPECT_EQ(proxy(http, {{"HTTP_PROXY", "http://upper:1"}, {"REQUEST_METHOD", "GET"}}), "");
  for (const char* exempt : {"*", "example.com", ".example.com", "*.example.com",
                             "a, store.example.com:9000", "STORE.EXAMPLE.COM"}) {
    EXPECT_EQ(proxy(http, {{"http_proxy", "http://plain:1"}, {"no_proxy", exempt}}), "") << exempt;
  }
  for (const char* other : {"ample.com", "store.example.com:80", "example.org", ","}) {
    EXPECT_EQ(proxy(http, {{"http_proxy", "http://plain:1"}, {"NO_PROXY", other}}), "plain")
        << other;
  }
  const Variables user_variables = {{"http_proxy", "http://us%40er:p@ss@plain:1/"}};
  const auto with_user = ChooseProxy(http, Environment(user_variables));
  ASSERT_THAT(with_user, IsOk());
  EXPECT_EQ(with_user->proxy->host, "plain");
  EXPECT_EQ(with_user->authorization, "Basic dXNAZXI6cEBzcw==");
  const Variables broken_variables = {{"http_proxy", "socks5://s3cr3t@x"}};
  const auto broken = ChooseProxy(http, Environment(broken_variables));
  EXPECT_THAT(broken, HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(broken.error().message(), ::testing::Not(::testing::HasSubstr("s3cr3t")));
}

}  // namespace
}  // namespace headrace::s3
