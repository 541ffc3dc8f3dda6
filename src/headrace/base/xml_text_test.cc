// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/xml_text.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

std::string Escaped(std::string_view text) {
  std::string out = "a";
  AppendXmlText(out, text);
  return out;
}

TEST(XmlText, MarkupAndControlCharactersBecomeReferencesAndNothingElseDoes) {
  EXPECT_EQ(Escaped("<b attr=\"1\">&amp;</b>"), "a&lt;b attr=&quot;1&quot;&gt;&amp;amp;&lt;/b&gt;");
  EXPECT_EQ(Escaped("1\r\n\t2\x01\x1f"), "a1&#13;&#10;&#9;2&#1;&#31;");
  EXPECT_EQ(Escaped(std::string_view("\0", 1)), "a&#0;");
  EXPECT_EQ(Escaped(" it's \xC3\xA9 \x7F~"), "a it's \xC3\xA9 \x7F~");
  EXPECT_EQ(Escaped(""), "a");
}

}  // namespace
}  // namespace headrace
