// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/object_headers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/s3/s3_xml.h"
#include "testing/result_matchers.h"

namespace headrace::s3 {
namespace {

using headrace::testing::HasCode;
using ::testing::HasSubstr;

TEST(ObjectHeaders, AttributesSurviveTheWayThereAndBack) {
  ObjectAttributes attributes{.content_type = "image/png",
                              .content_encoding = "gzip",
                              .content_disposition = "inline",
                              .content_language = "de",
                              .cache_control = "no-cache",
                              .expires = "Thu, 29 Feb 2024 12:00:00 GMT",
                              .storage_class = "STANDARD_IA",
                              .user_metadata = {{"plain", "a b"}, {"more", "\xC3\xA9\n"}}};
  net::HttpHeaders headers;
  AddAttributes(attributes, headers);
  EXPECT_EQ(ReadObjectHead("k", headers).attributes, attributes);
}

TEST(ObjectHeaders, ContentRangesAreReadInEveryForm) {
  const auto part = ParseContentRange("bytes 0-9/100");
  ASSERT_TRUE(part && part->range);
  EXPECT_EQ(*part->range, (ByteRange{.begin = 0, .end = 10}));
  EXPECT_EQ(part->size_bytes, 100U);
  EXPECT_EQ(ParseContentRange("bytes */100")->range, std::nullopt);
  EXPECT_EQ(ParseContentRange("bytes 5-6/*")->size_bytes, std::nullopt);
  for (const char* text :
       {"", "bytes", "bytes 9-0/5", "bytes a-b/c", "items 0-9/100", "bytes 0-9"}) {
    EXPECT_FALSE(ParseContentRange(text)) << text;
  }
}

TEST(S3Xml, OnlyTextThatXmlCarriesFits) {
  for (const char* text : {"", "a\tb\n\r", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}) {
    EXPECT_TRUE(FitsIntoXml(text)) << text;
  }
  for (const char* text : {"\x01", "\x7F\x1F", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xFF",
                           "\xF4\x90\x80\x80", "\xEF\xBF\xBF", "a\x80"}) {
    EXPECT_FALSE(FitsIntoXml(text)) << text;
  }
}

TEST(S3Xml, KeysKeepTheirBlanksAndLineEnds) {
  const auto page = ReadListPage(
      "<ListBucketResult><Contents><Key> </Key><Size>1</Size></Contents>"
      "<Contents><Key> a  b&#13;&#10;&lt;</Key><Size>18446744073709551615</Size></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->objects.at(0).key, " ");
  EXPECT_EQ(page->objects.at(1).key, " a  b\r\n<");
  EXPECT_EQ(page->objects.at(1).size_bytes, 18446744073709551615U);
}

TEST(S3Xml, AKeyThatIsNoTextIsRefusedAndNotCutShort) {
  for (const char* key : {"a&#0;b", "a&#x00;b", "a&#xD800;b", "a\xFF"}) {
    const auto page = ReadListPage(fmt::format(
        "<ListBucketResult><Contents><Key>{}</Key><Size>1</Size></Contents></ListBucketResult>",
        key));
    EXPECT_THAT(page, HasCode(ErrorCode::kCorrupt)) << key;
  }
}

TEST(S3Xml, SaysWhatCameInPlaceOfAListing) {
  EXPECT_THAT(ReadListPage("<Error><Code>InternalError</Code><Message>try again</Message></Error>")
                  .error()
                  .message(),
              HasSubstr("it is an error: InternalError: try again"));
  EXPECT_THAT(ReadListPage("<html><body>log in</body></html>").error().message(),
              HasSubstr("it is a document 'html'; is the endpoint an S3 service's?"));
}

TEST(S3Xml, EtagsLoseTheirQuotes) {
  EXPECT_EQ(Unquoted("\"a\""), "a");
  EXPECT_EQ(Unquoted("W/\"a\""), "a");
  EXPECT_EQ(Unquoted("a"), "a");
  EXPECT_EQ(Unquoted("\""), "\"");
}

}  // namespace
}  // namespace headrace::s3
