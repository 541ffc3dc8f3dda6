// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/post_policy.h"

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/time_text.h"
#include "headrace/gateway/s3_failure.h"
#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using headrace::testing::IsOk;

const SystemTime kNow = ParseIsoTime("2026-11-22T12:00:00.000Z").value();

std::string Policy(std::string_view conditions,
                   std::string_view expiration = "2026-11-22T13:00:00.000Z") {
  std::string text = R"({"expiration": ")";
  text.append(expiration).append(R"(", "conditions": [)").append(conditions).append("]}");
  return Base64Encode(AsBytes(text));
}
// The S3 code of the refusal; empty: the form is taken.
std::string CodeOf(const std::string& policy, const FormFields& fields) {
  const auto size = CheckPostPolicy(policy, fields, "bucket", kNow);
  return size ? std::string() : S3CodeOf(size.error());
}

TEST(PostPolicy, TakesAFormThatMeetsEveryCondition) {
  const std::string policy = Policy(
      R"({"BUCKET": "bucket"}, ["Starts-With", "$key", "folder/"], ["eq", "$acl", "private"],
         ["content-length-range", 3, "10"], ["starts-with", "$Content-Type", ""])");
  const FormFields fields = {{"key", "folder/${filename}"}, {"acl", "private"},
                             {"content-type", "x"},         {"policy", policy},
                             {"x-amz-signature", "s"},      {"x-ignore-this", "1"}};
  const auto size = CheckPostPolicy(policy, fields, "bucket", kNow);
  ASSERT_THAT(size, IsOk());
  EXPECT_EQ(size->size_bytes_min, 3U);
  EXPECT_EQ(size->size_bytes_max, 10U);
}

TEST(PostPolicy, DeniesWhatItsConditionsDoNotSay) {
  EXPECT_EQ(CodeOf(Policy(R"({"bucket": "other"})"), {}), "AccessDenied");
  EXPECT_EQ(CodeOf(Policy(R"(["starts-with", "$key", "a/"])"), {{"key", "b"}}), "AccessDenied");
  EXPECT_EQ(CodeOf(Policy(R"(["eq", "$key", "a"])"), {}), "AccessDenied");
  EXPECT_EQ(CodeOf(Policy(R"({"key": "a"})"), {{"key", "a"}, {"acl", "x"}}), "AccessDenied");
  EXPECT_EQ(CodeOf(Policy(R"({"key": "a"})", "2026-11-22T12:00:00.000Z"), {{"key", "a"}}),
            "AccessDenied");
}

TEST(PostPolicy, RefusesWhatIsNoPolicy) {
  for (const char* const conditions :
       {"", "{}", "1", R"({"key": 1})", R"(["eq", "key", "a"])", R"(["like", "$key", "a"])",
        R"(["eq", "$key"])", R"(["content-length-range", -1, 1])",
        R"(["content-length-range", "x", 1])", R"([["eq"], "$key", "a"])"}) {
    EXPECT_EQ(CodeOf(Policy(conditions), {}), "InvalidPolicyDocument") << conditions;
  }
  EXPECT_EQ(CodeOf(Policy(R"({"key": "a"})", "tomorrow"), {}), "InvalidPolicyDocument");
  for (const char* const text : {"", "[]", "{", R"({"conditions": [{"key": "a"}]})",
                                 R"({"expiration": "2027-01-01T00:00:00Z", "other": 1})"}) {
    EXPECT_EQ(CodeOf(Base64Encode(AsBytes(text)), {}), "InvalidPolicyDocument") << text;
  }
  EXPECT_EQ(CodeOf("no base64!", {}), "InvalidPolicyDocument");
}

}  // namespace
}  // namespace headrace::gateway
