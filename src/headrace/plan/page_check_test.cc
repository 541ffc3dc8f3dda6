// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/page_check.h"

#include <initializer_list>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::plan {
namespace {

using headrace::testing::HasCode;

ListPage Page(std::initializer_list<const char*> keys,
              std::initializer_list<const char*> prefixes = {}) {
  ListPage page;
  for (const char* key : keys) page.objects.push_back({.key = key});
  for (const char* prefix : prefixes) page.common_prefixes.emplace_back(prefix);
  return page;
}

TEST(CheckPage, GivesTheLastNameOfAGoodPage) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  EXPECT_EQ(CheckPage(request, "", Page({"p/a", "p/c"}, {"p/b/"})).value(), "p/c");
  EXPECT_EQ(CheckPage(request, "p/c", Page({"p/d"}, {"p/e/"})).value(), "p/e/");
  EXPECT_EQ(CheckPage(request, "p/e/", Page({})).value(), "p/e/");
}

TEST(CheckPage, RefusesWhatIsOutOfOrderOrTwice) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  for (const ListPage& page : {Page({"p/a", "p/a"}), Page({"p/b", "p/a"}),
                               Page({}, {"p/b/", "p/a/"}), Page({}, {"p/b/", "p/b/"})}) {
    EXPECT_THAT(CheckPage(request, "", page), HasCode(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(CheckPage(request, "p/c", Page({"p/c"})), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(CheckPage(request, "p/c/", Page({}, {"p/c/"})), HasCode(ErrorCode::kCorrupt));
}

TEST(CheckPage, RefusesWhatIsNotBelowThePrefix) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  for (const ListPage& page : {Page({"q/evil"}), Page({"p"}), Page({""}), Page({}, {"q/"})}) {
    EXPECT_THAT(CheckPage(request, "", page), HasCode(ErrorCode::kCorrupt));
  }
}

TEST(CheckPage, RefusesAPageThatLeadsToItself) {
  ListPage page;
  page.next_token = "t";
  EXPECT_TRUE(CheckPage({.bucket = "b"}, "", page).has_value());
  EXPECT_THAT(CheckPage({.bucket = "b", .continuation_token = "t"}, "", page),
              HasCode(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace headrace::plan
