// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/manifest.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::plan {
namespace {

using ::headrace::testing::HasCode;
using ::headrace::testing::IsOk;
using ::testing::HasSubstr;

TEST(ParseManifest, AppendsEachNameToThePrefixAsItStands) {
  const auto manifest = ParseManifest(
      "[ {\"prefix\": \"s3://b/some/pre\"},\n  \"fix/a\", \"\", \"x/\\u00e9\", \"fix/a\" ]\n");
  ASSERT_THAT(manifest, IsOk());
  EXPECT_EQ(manifest->bucket(), "b");
  EXPECT_EQ(manifest->prefix(), "some/pre");
  ASSERT_EQ(manifest->size(), 4U);
  EXPECT_EQ(manifest->KeyAt(0), "some/prefix/a");
  EXPECT_EQ(manifest->KeyAt(1), "some/pre");
  EXPECT_EQ(manifest->KeyAt(2), "some/prex/é");
  EXPECT_EQ(manifest->KeyAt(3), "some/prefix/a");
}

TEST(ParseManifest, TakesAByteOrderMarkAndAHundredThousandNames) {
  std::string text = "\xEF\xBB\xBF[{\"prefix\": \"s3://b/\"}";
  for (int i = 0; i < 100'000; ++i) text += fmt::format(",\n\"{:06}\"", i);
  const auto manifest = ParseManifest(text + "]");
  ASSERT_THAT(manifest, IsOk());
  ASSERT_EQ(manifest->size(), 100'000U);
  EXPECT_EQ(manifest->KeyAt(99'999), "099999");
}

TEST(ParseManifest, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::string start = "[{\"prefix\": \"s3://b/p/\"}";
  for (const Case& one : {
           Case{"", "empty"},
           Case{" \n", "empty"},
           Case{"[]", "first element"},
           Case{"[\"a\"]", "first element"},
           Case{"[{\"prefixes\": \"s3://b/\"}, \"a\"]", "first element"},
           Case{"[{\"prefix\": 7}, \"a\"]", "first element"},
           Case{"[{\"prefix\": \"gs://b/\"}, \"a\"]", "prefix: "},
           Case{start + "]", "names no object"},
           Case{start + ",\n\"a\",\n7]", "line 3: an entry is no text"},
           Case{start + ",\n\"a\",\n]", "line 3: not JSON"},
           Case{start + ",\n\"a\",\n]", "comma too many"},
           Case{start + ",\n\"a\"", "not JSON"},
           Case{start + ",\n\"a\"] x", "not JSON"},
           Case{start + ",\n\"a\"] ]", "follows the array"},
           Case{"[{'prefix': 's3://b/'}, 'a']", "double quotes"},
           Case{start + ",\n'a']", "double quotes"},
           Case{"{\"source-ref\": \"s3://b/a\"}\n", "AugmentedManifestFile"},
           Case{std::string("[\0{\0", 4), "UTF-16"},
           Case{"\xFF\xFE[", "UTF-16"},
           Case{"\"a\"", "array is expected"},
           Case{start + ",\n\"na\xEFve\"]", "line 2: not JSON: a byte that is no UTF-8"},
           Case{start + ",\n\"a\", \"b\xE2\x82\"]", "line 2: not JSON: a byte that is no UTF-8"},
           Case{start + "\xFF]", "line 1: not JSON: a byte that is no UTF-8"},
           Case{start + ",\n\"a\tb\"]", "line 2: not JSON: a raw control character"},
           Case{start + ",\n\"\\\"a\x1B\"]", "line 2: not JSON: a raw control character"},
           Case{start + ",\"" + std::string(1, '\0') + "\"]", "line 1: not JSON: a raw control"},
           Case{start + ",\n\"a,\n\"b\"]", "line 2: not JSON: a text is not closed on its line"},
           Case{start + ",\n\"\\\n\"]", "line 2: not JSON: a text is not closed on its line"},
           Case{start + ",\n\"a]", "line 2: not JSON: a text is not closed"},
           Case{start + ",\n\"a\\", "line 2: not JSON: a text is not closed"},
       }) {
    const auto manifest = ParseManifest(one.text);
    ASSERT_THAT(manifest, HasCode(ErrorCode::kInvalidArgument)) << one.text;
    EXPECT_THAT(manifest.error().message(), HasSubstr(one.message)) << one.text;
  }
}

}  // namespace
}  // namespace headrace::plan
