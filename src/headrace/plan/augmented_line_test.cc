// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/augmented_line.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::plan {
namespace {

using ::testing::HasSubstr;

// What is delivered for a line: objects as their URIs, in angle brackets.
std::vector<std::string> Delivered(std::vector<std::string> names, std::string_view line) {
  AugmentedLineParser parser(std::move(names));
  const auto values = parser.Parse(line);
  if (!values) return {values.error().message()};
  std::vector<std::string> shown;
  for (const AttributeValue& value : *values) {
    shown.push_back(value.object ? "<" + FormatS3Uri(value.object->bucket, value.object->key) + ">"
                                 : value.text);
  }
  return shown;
}
std::string Refusal(std::vector<std::string> names, std::string_view line) {
  AugmentedLineParser parser(std::move(names));
  const auto values = parser.Parse(line);
  return values ? "taken" : values.error().message();
}

using Texts = std::vector<std::string>;

TEST(AugmentedLine, GivesTheNamedAttributesInTheOrderOfTheNames) {
  constexpr std::string_view kLine =
      R"({"class": 0, "other": {"source-ref": 1}, "source-ref": "s3://b/k/1.jpg"})";
  EXPECT_EQ(Delivered({"source-ref", "class"}, kLine), (Texts{"<s3://b/k/1.jpg>", "0"}));
  EXPECT_EQ(Delivered({"class", "source-ref"}, kLine), (Texts{"0", "<s3://b/k/1.jpg>"}));
  EXPECT_EQ(Delivered({"class", "class"}, kLine), (Texts{"0", "0"}));
}

TEST(AugmentedLine, GivesStringsRawAndOtherValuesAsTheyStand) {
  EXPECT_EQ(Delivered({"a", "b", "c", "d", "e", "f", "g"},
                      R"({"a":"[1, 0]","b":[1, {"x" : 2}] , "c":1.50,"d":null,"e":true,)"
                      R"("f":"\u00e9\n","g":123456789012345678901234567890 })"),
            (Texts{"[1, 0]", R"([1, {"x" : 2}])", "1.50", "null", "true", "é\n",
                   "123456789012345678901234567890"}));
}

TEST(AugmentedLine, FindsNamesThatAreWrittenWithEscapes) {
  EXPECT_EQ(Delivered({"é"}, R"({"\u00e9": 1})"), Texts{"1"});
}

TEST(AugmentedLine, KeepsTheJsonOfEachValue) {
  AugmentedLineParser parser({"x-ref", "y"});
  const auto values = parser.Parse(R"({"y": "a\"b", "x-ref": "s3:\/\/b/k"})").value();
  EXPECT_EQ(values[0].json, R"("s3:\/\/b/k")");
  EXPECT_EQ(values[0].object->key, "k");
  EXPECT_EQ(values[1].json, R"("a\"b")");
}

TEST(AugmentedLine, SaysWhatUsersGotWrong) {
  const std::string single = R"({'source-ref': 's3://b/k'})";
  EXPECT_THAT(Refusal({"a"}, single), HasSubstr("column 2: not JSON; JSON needs double quotes"));
  EXPECT_THAT(Refusal({"a"}, R"({"a": 1,})"), HasSubstr("a comma too many"));
  EXPECT_THAT(Refusal({"a"}, R"({"a": 1} {"a": 2})"), HasSubstr("column 10: not JSON"));
  EXPECT_THAT(Refusal({"a"}, R"({"a": 1)"), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal({"a"}, "{\"a\": \"\xFF\"}"), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal({"a"}, std::string_view("\xFF\xFE{\0", 4)), HasSubstr("UTF-16"));
  EXPECT_THAT(Refusal({"a"}, std::string_view("{\0\"\0", 4)), HasSubstr("UTF-16"));
  EXPECT_THAT(Refusal({"a"}, R"([{"prefix": "s3://b/"}])"), HasSubstr("ManifestFile"));
  EXPECT_THAT(Refusal({"a"}, "17"), HasSubstr("no JSON object"));
  EXPECT_THAT(Refusal({"a"}, "  "), HasSubstr("empty"));
  EXPECT_THAT(Refusal({"Class"}, R"({"class": 1})"),
              HasSubstr("attribute 'Class' is not there; names are case-sensitive"));
  EXPECT_THAT(Refusal({"a"}, R"({"a": 1, "a": 2})"), HasSubstr("'a' is there twice"));
}

TEST(AugmentedLine, TakesOnlyUrisOfObjectsAsReferences) {
  for (const char* const bad :
       {R"("https://b/k")", R"("s3://b")", R"("s3://b/")", R"("s3://b/folder/")", R"("k")", "17",
        "null", R"(["s3://b/k"])", R"({"uri":"s3://b/k"})"}) {
    EXPECT_THAT(Refusal({"x-ref"}, fmt::format(R"({{"x-ref": {}}})", bad)),
                HasSubstr("attribute 'x-ref' must be the URI of an object"))
        << bad;
  }
}

TEST(AugmentedLine, SurvivesDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(Refusal({"a"}, "{\"a\": " + deep), HasSubstr("not JSON"));
  const std::string closed = deep + std::string(100'000, ']');
  EXPECT_EQ(Delivered({"b"}, "{\"a\": " + closed + ", \"b\": 1}"), Texts{"1"});
}

}  // namespace
}  // namespace headrace::plan
