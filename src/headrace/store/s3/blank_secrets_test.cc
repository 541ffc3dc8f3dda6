// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/blank_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(BlankSecrets, LeavesNoSignatureAndNoToken) {
  EXPECT_EQ(BlankSecrets("/b/k"), "/b/k");
  EXPECT_EQ(BlankSecrets("/b/k?X-Amz-Date=1&X-Amz-Signature=SECRET&x=2"),
            "/b/k?X-Amz-Date=1&X-Amz-Signature=-&x=2");
  for (const std::string_view name : {"X-Amz-Signature", "x-amz-signature", "X%2DAmz-Signature",
                                      "X-Amz-Security-Token", "Signature"}) {
    const std::string target = std::string("/b/k?").append(name).append("=SECRET");
    EXPECT_THAT(BlankSecrets(target), Not(HasSubstr("SECRET"))) << target;
  }
}

}  // namespace
}  // namespace headrace::s3
