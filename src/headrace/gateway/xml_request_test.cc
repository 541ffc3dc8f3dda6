// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/xml_request.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using headrace::testing::IsOk;

std::string DeleteOf(std::string_view key) {
  return fmt::format("<Delete><Object><Key>{}</Key></Object></Delete>", key);
}

// Half a key is another object's key.
TEST(XmlRequestTest, AKeyInPiecesIsOneKey) {
  for (const char* const text :
       {"abc", "a<!-- -->bc", "a<![CDATA[b]]>c", "<![CDATA[abc]]>", "a&#98;c", "a&#x0062;<?p?>c"}) {
    const auto order = ParseDelete(DeleteOf(text));
    ASSERT_THAT(order, IsOk()) << text;
    EXPECT_EQ(order->items.at(0).key, "abc") << text;
  }
  for (const char* const text : {"a<!-- --> <!-- -->b", "a<![CDATA[ ]]>b", "a <![CDATA[b]]>"}) {
    EXPECT_EQ(ParseDelete(DeleteOf(text))->items.at(0).key, "a b") << text;
  }
  EXPECT_EQ(ParseDelete(DeleteOf(" "))->items.at(0).key, " ");
  EXPECT_EQ(ParseDelete(DeleteOf(" <![CDATA[b]]> "))->items.at(0).key, " b ");
  EXPECT_EQ(ParseDelete(DeleteOf("&#;&#x;&#xZ;&amp;#0;"))->items.at(0).key, "&#;&#x;&#xZ;&#0;");
}

TEST(XmlRequestTest, AKeyWithWhatIsNoCharacterIsRefused) {
  for (const std::string& text :
       {std::string("a&#0;b"), std::string("a&#x000;b"), std::string("a&#4294967296;b"),
        std::string("a&#x110000;b"), std::string("a\0b", 3)}) {
    const auto order = ParseDelete(DeleteOf(text));
    ASSERT_FALSE(order) << text;
    EXPECT_EQ(order.error().origin().s3_code, "MalformedXML");
  }
}

TEST(XmlRequestTest, WhatIsNotAskedForByNameRemovesNoTags) {
  const std::string tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
  EXPECT_EQ(ParseTagging("<Tagging><TagSet>" + tag + "</TagSet></Tagging>\n")->at("k"), "v");
  EXPECT_TRUE(ParseTagging("<Tagging><TagSet/></Tagging><!-- none -->")->empty());
  for (const std::string& text :
       {std::string("<Tagging/>"), std::string("<Tagging><Tags/></Tagging>"),
        std::string("<Tagging><TagSet/></Tagging><Tagging/>"),
        std::string("<Tagging><TagSet/></Tagging>x"),
        std::string("<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>")}) {
    const auto tags = ParseTagging(text);
    ASSERT_FALSE(tags) << text;
    EXPECT_EQ(tags.error().origin().s3_code, "MalformedXML") << text;
  }
  EXPECT_EQ(ParseTaggingHeader("aws%3Ax=1").error().origin().s3_code, "InvalidTag");
}

TEST(XmlRequestTest, TagsAreMeasuredInCharacters) {
  const auto tagging = [](int name_characters, int value_characters) {
    std::string name;
    std::string value;
    for (int i = 0; i < name_characters; ++i) name += "\u00e4";
    for (int i = 0; i < value_characters; ++i) value += "\u4e2d";
    return ParseTagging(
        fmt::format("<Tagging><TagSet><Tag><Key>{}</Key><Value>{}</Value></Tag>"
                    "</TagSet></Tagging>",
                    name, value));
  };
  EXPECT_THAT(tagging(128, 256), IsOk());
  EXPECT_EQ(tagging(129, 1).error().origin().s3_code, "InvalidTag");
  EXPECT_EQ(tagging(1, 257).error().origin().s3_code, "InvalidTag");
}

}  // namespace
}  // namespace headrace::gateway
