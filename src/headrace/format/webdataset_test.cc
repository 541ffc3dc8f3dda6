// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/webdataset.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace headrace::format {
namespace {

TEST(ParseSampleName, SplitsAsWebDatasetDoes) {
  struct Case {
    std::string_view name, key, field;
  };
  for (const Case& one :
       {Case{"0001.jpg", "0001", "jpg"}, Case{"a/0001.seg.png", "a/0001", "seg.png"},
        Case{"dir.v1/foo.tar.gz", "dir.v1/foo", "tar.gz"}, Case{"./x.jpg", "./x", "jpg"},
        Case{"x..y", "x", ".y"}, Case{"a/.hidden", "a/", "hidden"}, Case{"a/.b.c", "a/", "b.c"},
        Case{"a.b/c/.x", "a.b/c/", "x"}, Case{"x.", "x", ""}}) {
    const auto name = ParseSampleName(one.name);
    ASSERT_TRUE(name.has_value()) << one.name;
    EXPECT_EQ(name->key, one.key) << one.name;
    EXPECT_EQ(name->field, one.field) << one.name;
  }
}

TEST(ParseSampleName, PassesOverWhatBelongsToNoSample) {
  for (const std::string_view name :
       {"dir.v1/foo", "foo", ".hidden", "a.b/.x", "__index__", "__meta__/info.json", "", "a/"}) {
    EXPECT_FALSE(ParseSampleName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace headrace::format
