// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/router.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/gateway/s3_failure.h"
#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using headrace::testing::IsOk;

S3Target Target(std::string bucket, std::string key,
                std::vector<std::pair<std::string, std::string>> query = {}) {
  return {.bucket = std::move(bucket), .key = std::move(key), .query = std::move(query)};
}
// The operation's name, or the S3 code of the refusal.
std::string NameOf(std::string_view method, const S3Target& target, bool has_copy_source = false) {
  const auto route = FindRoute(method, target, has_copy_source);
  return route ? std::string((*route)->name) : S3CodeOf(route.error());
}

TEST(Router, TakesTheOperationWithTheMostFulfilledSelectors) {
  EXPECT_EQ(NameOf("GET", Target("", "")), "ListBuckets");
  EXPECT_EQ(NameOf("GET", Target("b", "")), "ListObjects");
  EXPECT_EQ(NameOf("GET", Target("b", "", {{"list-type", "2"}, {"prefix", "p"}})), "ListObjectsV2");
  EXPECT_EQ(NameOf("PUT", Target("b", "k")), "PutObject");
  EXPECT_EQ(NameOf("PUT", Target("b", "k"), true), "CopyObject");
  const auto part = Target("b", "k", {{"uploadId", "u"}, {"partNumber", "1"}});
  EXPECT_EQ(NameOf("PUT", part), "UploadPart");
  EXPECT_EQ(NameOf("PUT", part, true), "UploadPartCopy");
  EXPECT_EQ(NameOf("GET", Target("b", "k", {{"partNumber", "1"}})), "GetObject");
}

TEST(Router, NeverTakesAnUnknownParameterForAPlainCall) {
  for (const char* const method : {"GET", "PUT", "DELETE", "HEAD"}) {
    EXPECT_EQ(NameOf(method, Target("b", "k", {{"torrent", ""}})), "NotImplemented") << method;
    EXPECT_EQ(NameOf(method, Target("b", "", {{"nonsense", ""}})), "NotImplemented") << method;
  }
  EXPECT_EQ(NameOf("POST", Target("b", "k", {{"select", ""}})), "NotImplemented");
}

TEST(Router, IgnoresParametersThatAreForEveryOperation) {
  EXPECT_EQ(NameOf("GET", Target("b", "k", {{"x-id", "GetObject"}, {"X-Amz-Date", "d"}})),
            "GetObject");
}

TEST(Router, RefusesAMethodThatTheResourceDoesNotHave) {
  EXPECT_EQ(NameOf("PATCH", Target("b", "k")), "MethodNotAllowed");
  EXPECT_EQ(NameOf("DELETE", Target("", "")), "MethodNotAllowed");
}

TEST(Router, FindsEveryRouteThatItLists) {
  for (const Route& route : Routes()) {
    S3Target target =
        Target(route.scope == Scope::kService ? "" : "b", route.scope == Scope::kObject ? "k" : "");
    bool has_copy_source = false;
    std::string words(route.selectors);
    while (!words.empty()) {
      const size_t space = words.find(' ');
      const std::string word = words.substr(0, space);
      words = space == std::string::npos ? "" : words.substr(space + 1);
      if (word == "@copy") has_copy_source = true;
      if (word != "@copy") target.query.emplace_back(word, "");
    }
    const auto found = FindRoute(route.method, target, has_copy_source);
    ASSERT_THAT(found, IsOk()) << route.name;
    EXPECT_EQ((*found)->name, route.name);
  }
}

// docs/s3-compatibility.md: operation -> answered, and the operation whose answer it shares.
struct Row {
  std::string answered;
  std::string same_as;
};
std::map<std::string, Row> CompatibilityTable() {
  // This file is src/headrace/gateway/router_test.cc.
  const auto root =
      std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
  std::ifstream file(root / "docs/s3-compatibility.md");
  std::map<std::string, Row> rows;
  const std::regex row(R"(\| (\w+) \| (yes|partly|no) \|(?: (?:as (\w+)|.*) \|| \|))");
  std::string line;
  while (std::getline(file, line)) {
    std::smatch match;
    if (std::regex_match(line, match, row)) rows[match[1]] = {match[2], match[3]};
  }
  return rows;
}

TEST(Router, AnswersExactlyWhatTheCompatibilityTableSays) {
  const auto rows = CompatibilityTable();
  ASSERT_GT(rows.size(), 100U);
  std::set<std::string, std::less<>> routed;
  for (const Route& route : Routes()) {
    routed.emplace(route.name);
    const auto row = rows.find(std::string(route.name));
    ASSERT_NE(row, rows.end()) << route.name << " is not in the table";
    EXPECT_NE(row->second.answered, "no") << route.name << " is answered";
  }
  for (const auto& [name, row] : rows) {
    if (row.answered == "no") continue;
    EXPECT_TRUE(routed.contains(name) || routed.contains(row.same_as))
        << name << " is not answered";
  }
}

}  // namespace
}  // namespace headrace::gateway
