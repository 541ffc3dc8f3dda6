// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/access.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

constexpr std::string_view kFile = R"(
[[user]]
access_key = "READER"
secret_key = "x"
read = ["data"]

[[user]]
access_key = "WRITER"
secret_key = "x"
write = ["data", "copies"]

[[user]]
access_key = "BOTH"
secret_key = "x"
read = ["data"]
write = ["data", "copies"]

[anonymous]
read = ["data"]
)";

class AccessTest : public ::testing::Test {
 protected:
  Grant Of(std::string_view access_key) const {
    return Grant::OfUser(users_, users_->Find(access_key));
  }
  static bool Passes(const Grant& grant, std::string_view method, const S3Target& target,
                     std::optional<std::string_view> copy_source_bucket = std::nullopt) {
    const Route* route = FindRoute(method, target, copy_source_bucket.has_value()).value();
    return CheckAccess(grant, *route, target, copy_source_bucket).has_value();
  }

  const std::shared_ptr<const Users> users_ =
      std::make_shared<const Users>(Users::Parse(kFile, "users.toml").value());
  const Grant reader_ = Of("READER");
  const Grant writer_ = Of("WRITER");
  const Grant both_ = Of("BOTH");
  const Grant anyone_ = Grant::Anonymous(users_);
};

S3Target Object(std::string bucket = "data") {
  return {.bucket = std::move(bucket), .key = "k", .query = {}};
}
S3Target Bucket(std::string name = "data") {
  return {.bucket = std::move(name), .key = "", .query = {}};
}
S3Target With(S3Target target, std::string parameter) {
  target.query.emplace_back(std::move(parameter), "1");
  return target;
}

// Whether reader, writer, anyone pass, as "yes" letters: "rwa".
TEST_F(AccessTest, EachOperationNeedsItsRight) {
  struct Case {
    std::string_view method;
    S3Target target;
    std::string_view who;
  };
  for (const Case& one : {Case{"GET", Object(), "ra"},
                          Case{"HEAD", Object(), "ra"},
                          Case{"PUT", Object(), "w"},
                          Case{"DELETE", Object(), "w"},
                          Case{"GET", With(Object(), "tagging"), "ra"},
                          Case{"PUT", With(Object(), "tagging"), "w"},
                          Case{"DELETE", With(Object(), "tagging"), "w"},
                          Case{"PUT", With(Object(), "acl"), "w"},
                          Case{"POST", With(Object(), "uploads"), "w"},
                          Case{"POST", With(Object(), "uploadId"), "w"},
                          Case{"DELETE", With(Object(), "uploadId"), "w"},
                          Case{"PUT", With(With(Object(), "uploadId"), "partNumber"), "w"},
                          Case{"GET", With(Object(), "uploadId"), "ra"},
                          Case{"GET", Bucket(), "ra"},
                          Case{"GET", With(Bucket(), "list-type"), "ra"},
                          Case{"GET", With(Bucket(), "versions"), "ra"},
                          Case{"GET", With(Bucket(), "policy"), "ra"},
                          Case{"HEAD", Bucket(), "rwa"},
                          Case{"GET", With(Bucket(), "location"), "rwa"},
                          Case{"PUT", Bucket(), "w"},
                          Case{"DELETE", Bucket(), "w"},
                          Case{"POST", With(Bucket(), "delete"), "w"},
                          Case{"GET", Bucket("other"), ""},
                          Case{"HEAD", Bucket("other"), ""},
                          Case{"PUT", Object("other"), ""},
                          Case{"GET", S3Target(), "rw"}}) {
    std::string who;
    if (Passes(reader_, one.method, one.target)) who += "r";
    if (Passes(writer_, one.method, one.target)) who += "w";
    if (Passes(anyone_, one.method, one.target)) who += "a";
    EXPECT_EQ(who, one.who) << one.method << " " << one.target.bucket << "/" << one.target.key
                            << (one.target.query.empty() ? "" : one.target.query[0].first);
  }
}

TEST_F(AccessTest, ACopyReadsItsSource) {
  const S3Target copy = Object("copies");
  const S3Target part = With(With(Object("copies"), "uploadId"), "partNumber");
  for (const S3Target& target : {copy, part}) {
    EXPECT_TRUE(Passes(both_, "PUT", target, "data"));
    EXPECT_FALSE(Passes(writer_, "PUT", target, "data"));
    EXPECT_FALSE(Passes(both_, "PUT", target, "copies"));
    EXPECT_FALSE(Passes(reader_, "PUT", target, "data"));
  }
}

TEST_F(AccessTest, ASessionNeverMayMoreThanItsUser) {
  const Grant session = both_.LimitedTo("data", false);
  EXPECT_TRUE(Passes(session, "PUT", Object()));
  EXPECT_FALSE(Passes(session, "PUT", Object("copies")));
  const Grant reading = both_.LimitedTo("data", true);
  EXPECT_TRUE(Passes(reading, "GET", Object()));
  EXPECT_FALSE(Passes(reading, "PUT", Object()));
  EXPECT_FALSE(Passes(reader_.LimitedTo("copies", false), "PUT", Object("copies")));
}

TEST_F(AccessTest, NobodyIsDeniedByAServerThatChecksNobody) {
  EXPECT_TRUE(Passes(Grant::Everything(), "PUT", Object("other"), "data"));
  EXPECT_FALSE(Passes(Grant(), "GET", Object()));
}

}  // namespace
}  // namespace headrace::gateway
