// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/unknown_word.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

const KnownWords kKnown{
    .options = {"--recursive", "--region", "--exclude", "--include", "--hyperparameter", "-r"},
    .commands = {}};

TEST(EditDistance, CountsLettersPutInTakenOutReplacedAndExchanged) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("abc", ""), 3U);
  EXPECT_EQ(EditDistance("recursive", "recursiv"), 1U);
  EXPECT_EQ(EditDistance("exclude", "include"), 2U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(EditDistance("sitting", "kitten"), 3U);
  EXPECT_EQ(EditDistance("snyc", "sync"), 1U);
}

TEST(NearestWord, IsFoundThroughASlipOrTwo) {
  for (const char* word : {"--recursiv", "--recusrive", "--recursives", "-recursive", "--recur"}) {
    EXPECT_EQ(NearestWord(word, kKnown.options), "--recursive") << word;
  }
  EXPECT_EQ(NearestWord("--hyperparameters", kKnown.options), "--hyperparameter");
  EXPECT_EQ(NearestWord("--exlude", kKnown.options), "--exclude");
}

TEST(NearestWord, IsNoneWhereTheWordIsAnother) {
  for (const char* word : {"--verbose", "--x", "-z", "--", "--re-encode", ""}) {
    EXPECT_EQ(NearestWord(word, {}), "") << word;
  }
  EXPECT_EQ(NearestWord("--verbose", kKnown.options), "");
  EXPECT_EQ(NearestWord("--acl", kKnown.options), "");
}

TEST(UnknownWordText, NamesTheWordWithoutItsValueAndWhatWasMeant) {
  EXPECT_EQ(UnknownWordText("--recursiv=1", kKnown),
            "there is no option --recursiv; did you mean --recursive?");
  EXPECT_EQ(UnknownWordText("--acl", kKnown), "there is no option --acl");
  EXPECT_EQ(UnknownWordText("--recursive", kKnown),
            "--recursive has to stand behind the command's name");
  EXPECT_EQ(UnknownWordText("extra", kKnown), "'extra' is one argument too many");
  EXPECT_EQ(UnknownWordText("", kKnown), "'' is one argument too many");
}

TEST(UnknownWordText, KnowsCommandsWhereOneMayStand) {
  const KnownWords known{.options = {}, .commands = {"ls", "cp", "sync", "presign"}};
  EXPECT_EQ(UnknownWordText("snyc", known), "there is no command 'snyc'; did you mean sync?");
  EXPECT_EQ(UnknownWordText("syncc", known), "there is no command 'syncc'; did you mean sync?");
  EXPECT_EQ(UnknownWordText("lss", known), "there is no command 'lss'; did you mean ls?");
  EXPECT_EQ(UnknownWordText("frobnicate", known), "there is no command 'frobnicate'");
}

}  // namespace
}  // namespace headrace::cli
