// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/xml_answer.h"

#include <gtest/gtest.h>

namespace headrace::gateway {
namespace {

TEST(XmlAnswerTest, WhatIsNotUtf8IsReplacedAndTheRestKept) {
  XmlAnswer xml("Root");
  xml.Text("Key", "a\xff\xe4\u00e4<").Text("Key", "\xe4");
  EXPECT_TRUE(
      std::move(xml).End().ends_with("<Key>a\uFFFD\uFFFD\u00e4&lt;</Key><Key>\uFFFD</Key></Root>"));
}

}  // namespace
}  // namespace headrace::gateway
