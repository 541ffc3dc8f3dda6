// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/page_check.h"

#include <initializer_list>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::plan {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;

ListPage Page(std::initializer_list<const char*> keys,
              std::initializer_list<const char*> prefixes = {}) {
  ListPage page;
  for (const char* key : keys) page.objects.push_back({.key = key});
  for (const char* prefix : prefixes) page.common_prefixes.emplace_back(prefix);
  return page;
}

Status CheckAfter(const ListRequest& request, std::string last, const ListPage& page) {
  PageTrail trail{.last = std::move(last)};
  return CheckPage(request, page, trail);
}

TEST(CheckPage, RemembersTheLastNameOfAGoodPage) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  PageTrail trail;
  EXPECT_THAT(CheckPage(request, Page({"p/a", "p/c"}, {"p/b/"}), trail), IsOk());
  EXPECT_EQ(trail.last, "p/c");
  EXPECT_THAT(CheckPage(request, Page({"p/d"}, {"p/e/"}), trail), IsOk());
  EXPECT_EQ(trail.last, "p/e/");
  EXPECT_THAT(CheckPage(request, Page({}), trail), IsOk());
  EXPECT_EQ(trail.last, "p/e/");
}

TEST(CheckPage, RefusesWhatIsOutOfOrderOrTwice) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  for (const ListPage& page : {Page({"p/a", "p/a"}), Page({"p/b", "p/a"}),
                               Page({}, {"p/b/", "p/a/"}), Page({}, {"p/b/", "p/b/"})}) {
    EXPECT_THAT(CheckAfter(request, "", page), HasCode(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(CheckAfter(request, "p/c", Page({"p/c"})), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(CheckAfter(request, "p/c/", Page({}, {"p/c/"})), HasCode(ErrorCode::kCorrupt));
}

TEST(CheckPage, RefusesWhatIsNotBelowThePrefix) {
  const ListRequest request{.bucket = "b", .prefix = "p/"};
  for (const ListPage& page : {Page({"q/evil"}), Page({"p"}), Page({""}), Page({}, {"q/"})}) {
    EXPECT_THAT(CheckAfter(request, "", page), HasCode(ErrorCode::kCorrupt));
  }
}

TEST(CheckPage, RefusesAPageThatLeadsToItself) {
  ListPage page;
  page.next_token = "t";
  EXPECT_THAT(CheckAfter({.bucket = "b"}, "", page), IsOk());
  EXPECT_THAT(CheckAfter({.bucket = "b", .continuation_token = "t"}, "", page),
              HasCode(ErrorCode::kCorrupt));
}

TEST(CheckPage, RefusesEmptyPagesWithoutEnd) {
  ListPage page;
  page.next_token = "ever another";
  PageTrail trail;
  for (uint32_t i = 0; i < kEmptyPagesMax; ++i) {
    ASSERT_THAT(CheckPage({.bucket = "b"}, page, trail), IsOk());
  }
  EXPECT_THAT(CheckPage({.bucket = "b"}, page, trail), HasCode(ErrorCode::kCorrupt));
  // One that brings something begins anew.
  trail.empty_count = kEmptyPagesMax;
  EXPECT_THAT(CheckPage({.bucket = "b"}, Page({"a"}), trail), IsOk());
  EXPECT_THAT(CheckPage({.bucket = "b"}, page, trail), IsOk());
}

}  // namespace
}  // namespace headrace::plan
