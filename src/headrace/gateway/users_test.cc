// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/users.h"

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"
#include "testing/temp_dir.h"

namespace headrace::gateway {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kFile = R"(
[[user]]
access_key = "TRAINER"
secret_key = "s3cr3t"
read = ["datasets", "models-*"]
write = ["models-*"]

[[user]]
access_key = "ADMIN"
secret_key = "hidden"
read = ["*"]
write = ["*"]

[[user]]
access_key = "IDLE"
secret_key = "nothing"

[anonymous]
read = ["public"]
)";

std::string RefusalOf(std::string_view toml) {
  const auto users = Users::Parse(toml, "users.toml");
  return users ? std::string("accepted") : users.error().message();
}

// A user's lines with one changed or added.
std::string UserWith(std::string_view line) {
  return "[[user]]\naccess_key = \"K\"\nsecret_key = \"s3cr3t\"\n" + std::string(line) + "\n";
}

TEST(Users, HaveTheRightsThatTheFileGivesThem) {
  const Users users = Users::Parse(kFile, "users.toml").value();
  struct Case {
    std::string_view user;
    Right right;
    std::string_view bucket;
    bool may;
  };
  for (const Case& one :
       {Case{"TRAINER", Right::kRead, "datasets", true},
        Case{"TRAINER", Right::kWrite, "datasets", false},
        Case{"TRAINER", Right::kRead, "datasets2", false},
        Case{"TRAINER", Right::kRead, "dataset", false},
        Case{"TRAINER", Right::kWrite, "models-7", true},
        Case{"TRAINER", Right::kWrite, "models", false},
        Case{"TRAINER", Right::kRead, "public", false}, Case{"TRAINER", Right::kRead, "", false},
        Case{"ADMIN", Right::kRead, "anything", true},
        Case{"ADMIN", Right::kWrite, "anything", true},
        Case{"IDLE", Right::kRead, "datasets", false}}) {
    EXPECT_EQ(users.Find(one.user)->May(one.right, one.bucket), one.may)
        << one.user << " " << one.bucket;
  }
  EXPECT_EQ(users.Find("TRAINER")->keys.secret_access_key, "s3cr3t");
  EXPECT_EQ(users.Find("NOBODY"), nullptr);
  EXPECT_TRUE(users.MayAnyone(Right::kRead, "public"));
  EXPECT_FALSE(users.MayAnyone(Right::kWrite, "public"));
  EXPECT_FALSE(users.MayAnyone(Right::kRead, "datasets"));
}

TEST(Users, AnEmptyFileLetsNobodyIn) {
  const Users users = Users::Parse("", "users.toml").value();
  EXPECT_EQ(users.Find(""), nullptr);
  EXPECT_FALSE(users.MayAnyone(Right::kRead, "public"));
}

TEST(Users, AMistakeIsToldWithFileAndLine) {
  struct Case {
    std::string toml;
    std::string_view complaint;
  };
  for (const Case& one :
       {Case{"user = 1", "users.toml:1: a user begins with [[user]]"},
        Case{"user = [1]", "a user begins with [[user]]"},
        Case{"[user]\naccess_key = \"K\"", "a user begins with [[user]]"},
        Case{"\n[users]\n", "users.toml:2: 'users' is neither [[user]] nor [anonymous]"},
        Case{"[[user]]\nsecret_key = \"s3cr3t\"", "needs an access_key"},
        Case{"[[user]]\naccess_key = \"\"\nsecret_key = \"x\"", "needs an access_key"},
        Case{"[[user]]\naccess_key = \"a/b\"\nsecret_key = \"x\"", "needs an access_key"},
        Case{"[[user]]\naccess_key = \"a b\"\nsecret_key = \"x\"", "needs an access_key"},
        Case{"[[user]]\naccess_key = \"K\"", "the user 'K' has no secret_key"},
        Case{UserWith("read = \"b\""), "users.toml:4: 'read' must be a list of bucket names"},
        Case{UserWith("read = [1]"), "'read' must be a string"},
        Case{UserWith("read = [\"\"]"), "an entry of 'read' is no bucket name"},
        Case{UserWith("write = [\"../other\"]"), "an entry of 'write' is no bucket name"},
        Case{UserWith("write = [\"*b\"]"), "a '*' may only stand at the end"},
        Case{UserWith("write = [\"a**\"]"), "a '*' may only stand at the end"},
        Case{UserWith("admin = true"), "'admin' is no setting of a user"},
        Case{UserWith("secret_key = \"again\""), "this is not TOML"},
        Case{UserWith("") + UserWith(""), "the access_key 'K' is given twice"},
        Case{"anonymous = 1", "'anonymous' must be a table"},
        Case{"[anonymous]\nwrite = [\"b\"]", "'write' is no right that everyone can have"},
        Case{"[[user]\n", "this is not TOML"},
        Case{"\n[[[", "users.toml:2: this is not TOML"},
        Case{"[=", "this is not TOML"},
        Case{"[.a]", "this is not TOML"},
        Case{"[#", "this is not TOML"},
        Case{"\xEF\xBB\xBF[[=", "this is not TOML"}}) {
    EXPECT_THAT(RefusalOf(one.toml), HasSubstr(one.complaint)) << one.toml;
    EXPECT_THAT(RefusalOf(one.toml), Not(HasSubstr("s3cr3t")));
  }
}

TEST(Users, GarbageOfAMebibyteIsRefused) {
  const std::string garbage = headrace::testing::SeededText(11, Users::kFileBytesMax);
  EXPECT_THAT(Users::Parse(garbage, "users.toml"), HasCode(ErrorCode::kInvalidArgument));
  const std::string nested = "user = " + std::string(100'000, '[');
  EXPECT_THAT(Users::Parse(nested, "users.toml"), HasCode(ErrorCode::kInvalidArgument));
  const headrace::testing::TempDir folder;
  const std::string large = folder.Write("large.toml", std::string(Users::kFileBytesMax + 1, '\n'));
  EXPECT_THAT(LoadUsers(large), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(LoadUsers(folder.Path("missing.toml")), HasCode(ErrorCode::kNotFound));
  // As it is while somebody writes it anew, and as a pipe is that nobody writes to.
  std::ofstream(folder.Path("empty.toml")) << "# nobody\n";
  const auto empty = LoadUsers(folder.Path("empty.toml"));
  EXPECT_THAT(empty, HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(empty.error().message(), HasSubstr("names nobody"));
  ASSERT_EQ(mkfifo(folder.Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(LoadUsers(folder.Path("pipe")), HasCode(ErrorCode::kInvalidArgument));
}

TEST(Users, AnOwnerMayDoEverythingAndTakesNobodysKey) {
  Users users = Users::Parse(kFile, "users.toml").value();
  const s3::AccessKeys owner{.access_key_id = "OWNER", .secret_access_key = "x"};
  ASSERT_THAT(users.AddOwner(owner), IsOk());
  EXPECT_TRUE(users.Find("OWNER")->May(Right::kWrite, "datasets"));
  const s3::AccessKeys clash{.access_key_id = "TRAINER", .secret_access_key = "x"};
  EXPECT_THAT(users.AddOwner(clash), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_FALSE(users.Find("TRAINER")->May(Right::kWrite, "datasets"));
}

}  // namespace
}  // namespace headrace::gateway
