// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/attribute_options.h"

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::cli {
namespace {

using Metadata = std::map<std::string, std::string>;

TEST(ParseMetadata, TakesPairsAndJson) {
  EXPECT_EQ(*ParseMetadata("Owner=me,note=a=b"), (Metadata{{"note", "a=b"}, {"owner", "me"}}));
  EXPECT_EQ(*ParseMetadata(R"({"Owner":"me, too"})"), (Metadata{{"owner", "me, too"}}));
}

TEST(ParseMetadata, APieceWithoutEqualsBelongsToTheValueBefore) {
  EXPECT_EQ(*ParseMetadata("note=one,two"), (Metadata{{"note", "one,two"}}));
}

TEST(ParseMetadata, NamesWhatIsWrong) {
  EXPECT_THAT(ParseMetadata("nothing"), headrace::testing::HasMessage("'nothing'"));
  EXPECT_THAT(ParseMetadata("=x"), headrace::testing::HasMessage("'=x'"));
  EXPECT_THAT(ParseMetadata(R"({"a":1})"), headrace::testing::HasMessage("'a'"));
  EXPECT_THAT(ParseMetadata("{"), headrace::testing::HasCode(ErrorCode::kInvalidArgument));
}

TEST(AttributeOptions, GivenOnesReplaceTheBase) {
  AttributeOptions options;
  EXPECT_FALSE(options.is_any_given());
  options.given.storage_class = "GLACIER";
  options.metadata = {"a=1", "b=2"};
  EXPECT_TRUE(options.is_any_given());
  const auto attributes =
      options.Over({.content_type = "image/png", .user_metadata = {{"old", "x"}}});
  ASSERT_TRUE(attributes.has_value());
  EXPECT_EQ(attributes->content_type, "image/png");
  EXPECT_EQ(attributes->storage_class, "GLACIER");
  EXPECT_EQ(attributes->user_metadata, (Metadata{{"a", "1"}, {"b", "2"}}));
}

}  // namespace
}  // namespace headrace::cli
