// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/uri_text.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(BlankUser, LeavesNothingOfAUsersNameAndPassword) {
  EXPECT_EQ(BlankUser("http://host:1/path"), "http://host:1/path");
  EXPECT_EQ(BlankUser("http://user:s3cr3t@host:1"), "http://***@host:1");
  EXPECT_EQ(BlankUser("s3://AK:se/cr://et@bucket/key"), "s3://***@bucket/key");
  EXPECT_EQ(BlankUser("http://user:s3@cr3t@host"), "http://***@host");
  EXPECT_EQ(BlankUser("user:s3cr3t@host"), "***@host");
}

}  // namespace
}  // namespace headrace
