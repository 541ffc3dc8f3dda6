// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/key_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::plan {
namespace {

using ::testing::HasSubstr;

std::string PathOf(std::string_view prefix, std::string_view key) {
  const auto path = KeyPath(prefix, key);
  if (!path.has_value()) return "error: " + path.error().message();
  return path->value_or("(skipped)");
}

// The first error that a listing's keys give; "fits" when there is none.
std::string CheckAll(const std::string& prefix, const std::vector<std::string>& keys) {
  KeyPathChecker checker(prefix);
  for (const std::string& key : keys) {
    const auto path = checker.Next(key);
    if (!path.has_value()) {
      EXPECT_EQ(path.error().code(), ErrorCode::kInvalidArgument);
      return path.error().message();
    }
  }
  return "fits";
}

std::string CheckFolder(const std::string& prefix, const std::vector<std::string>& keys) {
  FolderPrefixChecker checker(prefix);
  for (const std::string& key : keys) {
    const auto status = checker.Next(key);
    if (!status.has_value()) return status.error().message();
  }
  return "fits";
}

TEST(KeyPath, StripsThePrefixAndKeepsSubFolders) {
  EXPECT_EQ(PathOf("", "a/b.png"), "a/b.png");
  EXPECT_EQ(PathOf("data/train/", "data/train/a/b.png"), "a/b.png");
  EXPECT_EQ(PathOf("data/train/", "data/train/x y=ü+%"), "x y=ü+%");
}

TEST(KeyPath, StripsTheJoiningSlashOfAPrefixWithoutOne) {
  EXPECT_EQ(PathOf("pfx", "pfx/custom_entrypoint.sh"), "custom_entrypoint.sh");
  EXPECT_EQ(PathOf("data/train", "data/train/a/b"), "a/b");
}

TEST(KeyPath, AnObjectNamedByThePrefixLandsUnderItsBaseName) {
  EXPECT_EQ(PathOf("code/sourcedir.tar.gz", "code/sourcedir.tar.gz"), "sourcedir.tar.gz");
  EXPECT_EQ(PathOf("top.csv", "top.csv"), "top.csv");
}

TEST(KeyPath, APrefixThatEndsInsideANameDoesNotCutIt) {
  EXPECT_EQ(PathOf("data/train", "data/training2/x"), "training2/x");
  EXPECT_EQ(PathOf("data/part-", "data/part-00001"), "part-00001");
  EXPECT_EQ(PathOf("tr", "train"), "train");
}

TEST(KeyPath, SkipsFolderMarkers) {
  EXPECT_EQ(PathOf("data/", "data/"), "(skipped)");
  EXPECT_EQ(PathOf("data", "data/"), "(skipped)");
  EXPECT_EQ(PathOf("data/", "data/a/"), "(skipped)");
}

TEST(KeyPath, RefusesPathsThatAreNotPlainFilesBelowTheDirectory) {
  EXPECT_THAT(PathOf("", "/a"), HasSubstr("'/a'"));
  EXPECT_THAT(PathOf("", "/a"), HasSubstr("empty part"));
  EXPECT_THAT(PathOf("d/", "d//a"), HasSubstr("empty part"));
  EXPECT_THAT(PathOf("d", "d//a"), HasSubstr("empty part"));
  EXPECT_THAT(PathOf("d/", "d/a//b"), HasSubstr("empty part"));
  EXPECT_THAT(PathOf("d/", "d/a/ \t/b"), HasSubstr("blank part"));
  EXPECT_THAT(PathOf("d/", "d/../b"), HasSubstr("'..' part"));
  EXPECT_THAT(PathOf("d/", "d/a/.."), HasSubstr("'..' part"));
  EXPECT_THAT(PathOf("d/", "d/./b"), HasSubstr("'.' part"));
  EXPECT_THAT(PathOf("d/", std::string_view("d/a\0b", 5)), HasSubstr("NUL"));
  EXPECT_THAT(PathOf("d/", "d/" + std::string(256, 'x')), HasSubstr("256 bytes"));
}

TEST(KeyPath, TakesWhatOnlyLooksLikeARefusal) {
  EXPECT_EQ(PathOf("d/", "d/..."), "...");
  EXPECT_EQ(PathOf("d/", "d/.hidden/..a"), ".hidden/..a");
  EXPECT_EQ(PathOf("d/", "d/a\\b"), "a\\b");
  const std::string longest(255, 'x');
  EXPECT_EQ(PathOf("d/", "d/" + longest), longest);
  EXPECT_EQ(PathOf("../x/", "../x/a"), "a") << "only the part that is kept must be a path";
}

TEST(KeyPathChecker, RefusesAKeyThatIsBothAFileAndAFolder) {
  const std::string error = CheckAll("m/", {"m/weights", "m/weights.txt", "m/weights/part1"});
  EXPECT_THAT(error, HasSubstr("'m/weights/part1'"));
  EXPECT_THAT(error, HasSubstr("'m/weights'"));
  EXPECT_THAT(error, HasSubstr("both a file and a folder"));
  EXPECT_THAT(CheckAll("", {"a", "a!", "a!/x", "a/b/c"}), HasSubstr("'a!/x'"));
}

TEST(KeyPathChecker, AFolderMarkerIsNotAFile) {
  EXPECT_EQ(CheckAll("", {"a/", "a/b/", "a/b/c"}), "fits");
  EXPECT_EQ(CheckAll("", {"a", "a/"}), "fits");
}

TEST(KeyPathChecker, TakesNamesThatStartAlike) {
  EXPECT_EQ(CheckAll("", {"a", "a.txt", "aa", "aa.txt", "ab/a", "ab/aa", "b"}), "fits");
}

TEST(KeyPathChecker, TakesAFolderAndNamesBesideIt) {
  EXPECT_EQ(CheckAll("data/train", {"data/train", "data/train.bak", "data/train/a",
                                    "data/train/b/c", "data/training2/x"}),
            "fits");
}

TEST(KeyPathChecker, RefusesAFolderAndNamesBesideItThatMayMeet) {
  EXPECT_THAT(CheckAll("data/train", {"data/train/training2/x", "data/training2/x"}),
              HasSubstr("end the prefix with '/'"));
  EXPECT_THAT(CheckAll("data/train", {"data/train", "data/train/train"}),
              HasSubstr("'data/train/train'"));
  EXPECT_THAT(CheckAll("data/train", {"data/train-1/x", "data/train/train-1"}),
              HasSubstr("'data/train-1/x'"));
}

TEST(FolderPrefixChecker, TakesAFolderOrOneObjectAndNothingElse) {
  EXPECT_EQ(CheckFolder("t/", {"t/a", "t/b"}), "fits");
  EXPECT_EQ(CheckFolder("t", {"t/a", "t/b"}), "fits");
  EXPECT_EQ(CheckFolder("t", {"t"}), "fits");
  EXPECT_EQ(CheckFolder("", {"t", "u"}), "fits");
  EXPECT_THAT(CheckFolder("train-01", {"train-01/a", "train-011/b"}), HasSubstr("'train-011/b'"));
  EXPECT_THAT(CheckFolder("train", {"train-01/data.csv"}), HasSubstr("'train-01/data.csv'"));
  EXPECT_THAT(CheckFolder("t", {"t", "t/a"}), HasSubstr("'t/a'"));
}

TEST(ShownKey, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(ShownKey("a/ü€😀"), "a/ü€😀");
  EXPECT_EQ(ShownKey("a\nb\x7f"), "a\\x0ab\\x7f");
  EXPECT_EQ(ShownKey("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(ShownKey("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80");
}

}  // namespace
}  // namespace headrace::plan
