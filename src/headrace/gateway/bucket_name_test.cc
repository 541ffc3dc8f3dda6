// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/bucket_name.h"

#include <string>

#include <gtest/gtest.h>

#include "headrace/gateway/s3_failure.h"
#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using headrace::testing::IsOk;

TEST(BucketNameTest, TakesWhatS3Takes) {
  for (const std::string& name : std::initializer_list<std::string>{
           "abc", "box", "my-bucket", "logs.example.com", "1.2.3", "1.2.3.4.5", "1.2.3.4444",
           "a--b", "a.-b", "123", "x-s3-data", "base--usw2-az1--x-s3", "amzn-s3-demo",
           std::string(63, 'a')}) {
    EXPECT_THAT(CheckNewBucketName(name), IsOk()) << name;
  }
}

TEST(BucketNameTest, RefusesWhatS3RefusesAndSaysWhy) {
  struct Case {
    std::string name;
    std::string why;
  };
  for (const auto& [name, why] : {Case{"", "3 to 63"},
                                  Case{"ab", "3 to 63"},
                                  Case{std::string(64, 'a'), "3 to 63"},
                                  Case{"My_Bucket", "lower-case"},
                                  Case{"Box", "lower-case"},
                                  Case{"a_b", "lower-case"},
                                  Case{"a b", "lower-case"},
                                  Case{"a\xc3\xa4"
                                       "b",
                                       "lower-case"},
                                  Case{"-ab", "begin and end"},
                                  Case{"ab-", "begin and end"},
                                  Case{".ab", "begin and end"},
                                  Case{"ab.", "begin and end"},
                                  Case{"a..b", "two dots"},
                                  Case{"192.168.5.4", "IP address"},
                                  Case{"999.0.0.1", "IP address"},
                                  Case{"xn--abc", "'xn--'"},
                                  Case{"sthree-x", "'sthree-'"},
                                  Case{"amzn-s3-demo-bucket", "'amzn-s3-demo-'"},
                                  Case{"my-s3alias", "'-s3alias'"},
                                  Case{"my--ol-s3", "'--ol-s3'"},
                                  Case{"my.mrap", "'.mrap'"},
                                  Case{"my--table-s3", "'--table-s3'"},
                                  Case{"my--x-s3", "BASE--ZONE"},
                                  Case{"a.b--usw2-az1--x-s3", "BASE--ZONE"}}) {
    const Status checked = CheckNewBucketName(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(S3CodeOf(checked.error()), "InvalidBucketName");
    EXPECT_NE(checked.error().message().find(why), std::string::npos) << checked.error().message();
  }
}

}  // namespace
}  // namespace headrace::gateway
