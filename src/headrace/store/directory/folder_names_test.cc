// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/folder_names.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::directory {
namespace {

std::vector<std::string> All(const FolderNames& names) {
  std::vector<std::string> all;
  for (size_t i = 0; i < names.count(); ++i) all.emplace_back(names.At(i));
  return all;
}

TEST(FolderNames, AreInByteOrderWhereAFolderCountsWithItsSlash) {
  const FolderNames names({"b", "a/", "a.txt", "a0"});
  EXPECT_EQ(All(names), (std::vector<std::string>{"a.txt", "a/", "a0", "b"}));
  EXPECT_EQ(names.LowerBound("a/"), 1U);
  EXPECT_EQ(names.LowerBound("a/x"), 2U);
  EXPECT_EQ(names.LowerBound("c"), 4U);
  EXPECT_EQ(FolderNames(std::vector<std::string>()).LowerBound("x"), 0U);
}

TEST(FolderNames, ChangedCopiesEqualNamesSortedAnew) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  std::set<std::string> expected;
  for (int i = 0; i < 3000; ++i) expected.insert(std::to_string(random.Below(10'000)));
  FolderNames names({expected.begin(), expected.end()});
  for (int round = 0; round < 3000; ++round) {
    const std::string name = std::to_string(random.Below(10'000));
    if (random.Below(3) > 0) {
      names = names.Without(name);
      expected.erase(name);
    } else {
      names = names.With(name);
      expected.insert(name);
    }
    const std::string probe = std::to_string(random.Below(10'000));
    const auto place =
        static_cast<size_t>(std::distance(expected.begin(), expected.lower_bound(probe)));
    ASSERT_EQ(names.LowerBound(probe), place);
  }
  EXPECT_EQ(All(names), (std::vector<std::string>{expected.begin(), expected.end()}));
}

TEST(FolderNames, CanLoseAllAndGrowFromNothing) {
  FolderNames names({"one"});
  names = names.Without("one").Without("absent");
  EXPECT_EQ(names.count(), 0U);
  EXPECT_EQ(names.LowerBound("a"), 0U);
  for (int i = 0; i < 5000; ++i) names = names.With(std::to_string(i));
  EXPECT_EQ(names.count(), 5000U);
}

}  // namespace
}  // namespace headrace::directory
