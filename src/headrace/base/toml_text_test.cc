// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/toml_text.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(TomlText, ATableHeaderWithoutANameIsFound) {
  for (const char* text :
       {"a = 1\n[[[", "\n[[=", "x\r\n \t[[ .a]]", "#\n[[#", "#\n[[", "#\n[[\nb]]"}) {
    EXPECT_EQ(LineWithoutTableName(text), 2U) << text;
  }
}

TEST(TomlText, WhatHasANameIsNot) {
  for (const char* text : {"", "a = 1", "[[user]]\na = 1\n", "[[ \"a b\" ]]", "[['a']]", "[[1-_]]",
                           "a = [[[1]]]", "[a]", "["}) {
    EXPECT_EQ(LineWithoutTableName(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace headrace
