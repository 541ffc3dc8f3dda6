// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/cli/commands_fixture.h"
#include "testing/seeded_bytes.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(CommandsTest, VersionAndHelpNeedNoStore) {
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out_, "headrace 9.9.9\n");
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit codes:"));
  EXPECT_THAT(out_, HasSubstr("130"));
}

TEST_F(CommandsTest, EveryCommandHasAnExampleInItsHelp) {
  for (const Command& command : Commands()) {
    SCOPED_TRACE(command.name);
    EXPECT_EQ(Run({std::string(command.name), "--help"}), 0);
    EXPECT_THAT(out_, HasSubstr("headrace " + std::string(command.name)));
    EXPECT_THAT(out_, HasSubstr("Examples:"));
  }
}

TEST_F(CommandsTest, AWrongCommandLineIsUsage) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_THAT(err_, HasSubstr("no command is given\nSee headrace --help"));
  EXPECT_EQ(Run({"fly"}), 2);
  EXPECT_EQ(Run({"ls", "--no-such-option"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace ls --help"));
  EXPECT_EQ(Run({"run", "--hyperparameters", "a=1", "--", "true"}), 2);
  EXPECT_THAT(err_, HasSubstr("--hyperparameters"));
  EXPECT_EQ(Run({"cat", "b/k"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace cat: 'b/k'"));
  EXPECT_EQ(Run({"cp", "a", "b"}), 2);
}

TEST_F(CommandsTest, AMistypedWordIsNamedWithTheOneThatWasLikelyMeant) {
  EXPECT_EQ(Run({"cp", "--recursiv", "a", "s3://bkt/"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace cp: there is no option --recursiv; did you mean "
                              "--recursive?\nSee headrace cp --help"));
  // Even where CLI11 would first miss an argument.
  EXPECT_EQ(Run({"cp", "--exlude=x", "a"}), 2);
  EXPECT_THAT(err_, HasSubstr("no option --exlude; did you mean --exclude?"));
  EXPECT_EQ(Run({"ls", "--profil", "x"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean --profile?"));
  EXPECT_EQ(Run({"run", "--hyperparameters", "a=1", "--", "true"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean --hyperparameter?"));
  EXPECT_EQ(Run({"snyc", "a", "s3://bkt/"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace: there is no command 'snyc'; did you mean sync?"));
  EXPECT_EQ(Run({"stat"}), 2);
  EXPECT_THAT(err_, HasSubstr("OBJECT is required"));
}

TEST_F(CommandsTest, TheServicesWordOfTheAwsToolsIsLeftOut) {
  EXPECT_EQ(Run({"s3", "ls", "s3://bkt"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace ls: leave out 's3': headrace ls\n"));
  EXPECT_EQ(Run({"s3api", "list-objects"}), 2);
  EXPECT_THAT(err_, HasSubstr("headrace: leave out 's3api': headrace COMMAND\n"));
}

TEST_F(CommandsTest, WhatIsNotThereIsToldApart) {
  for (const char* command : {"stat", "cat"}) {
    EXPECT_EQ(Run({command, "s3://bkt/gone"}), 3);
    EXPECT_THAT(err_, HasSubstr("there is no object s3://bkt/gone; headrace ls s3://bkt shows"));
    EXPECT_EQ(Run({command, "s3://none/gone"}), 3);
    EXPECT_THAT(err_, HasSubstr("there is no bucket s3://none; check its name"));
  }
}

TEST_F(CommandsTest, HelpIsFreeOfTheParsersOwnWords) {
  std::vector<std::vector<std::string>> lines{{"--help"}};
  for (const Command& command : Commands()) lines.push_back({std::string(command.name), "--help"});
  for (const auto& line : lines) {
    SCOPED_TRACE(line.front());
    EXPECT_EQ(Run(line), 0);
    for (const char* noise : {"UINT", " INT", "FLOAT", "ENUM", "POSITIVE", "REQUIRED", "SUBCOMMAND",
                              "UNIT", " in [", "b, kb", "Excludes:"}) {
      EXPECT_THAT(out_, Not(HasSubstr(noise)));
    }
  }
}

TEST_F(CommandsTest, GlobalOptionsStandBeforeOrBehindTheCommand) {
  EXPECT_EQ(Run({"--endpoint-url", "http://h:1", "ls", "s3://bkt", "--region", "r", "--profile=p",
                 "--no-sign-request", "--no-verify-ssl"}),
            0);
  EXPECT_EQ(settings_.endpoint_url, "http://h:1");
  EXPECT_EQ(settings_.region, "r");
  EXPECT_EQ(settings_.profile, "p");
  EXPECT_FALSE(settings_.sign_requests);
  EXPECT_FALSE(settings_.verify_tls);
  EXPECT_EQ(Run({"ls", "s3://bkt"}), 0);
  EXPECT_TRUE(settings_.sign_requests);
  EXPECT_TRUE(settings_.verify_tls);
}

TEST_F(CommandsTest, LsShowsOneLevelOrEverything) {
  GivenObject("a/x", "12345");
  GivenObject("top", "1");
  setenv("TZ", "UTC", 1);
  EXPECT_EQ(Run({"ls", "s3://bkt"}), 0);
  EXPECT_EQ(out_, "                           PRE a/\n2026-01-01 00:00:00          1 top\n");
  EXPECT_EQ(Run({"ls", "s3://bkt/a/"}), 0);
  EXPECT_EQ(out_, "2026-01-01 00:00:00          5 x\n");
  EXPECT_EQ(Run({"ls", "-r", "--summarize", "s3://bkt"}), 0);
  EXPECT_THAT(out_, HasSubstr("5 a/x\n"));
  EXPECT_THAT(out_, HasSubstr("Total objects: 2\n   Total size: 6\n"));
  EXPECT_EQ(Run({"ls"}), 0);
  EXPECT_EQ(out_, "2026-01-01 00:00:00 bkt\n");
}

TEST_F(CommandsTest, LsPrintsOneJsonObjectALine) {
  GivenObject("a/x", "12345");
  EXPECT_EQ(Run({"ls", "--json", "-r", "s3://bkt"}), 0);
  EXPECT_THAT(out_, ::testing::StartsWith(
                        R"({"key":"a/x","size_bytes":5,"modified":"2026-01-01T00:00:00.000Z")"));
  EXPECT_EQ(Run({"ls", "--json", "s3://bkt"}), 0);
  EXPECT_EQ(out_, "{\"prefix\":\"a/\"}\n");
}

TEST_F(CommandsTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(Run({"ls", "s3://bkt/none"}), 3);
  EXPECT_EQ(Run({"ls", "s3://none"}), 3);
  EXPECT_EQ(Run({"ls", "s3://bkt"}), 0);
  EXPECT_EQ(Run({"cat", "s3://bkt/none"}), 3);
  EXPECT_THAT(err_, HasSubstr("none"));
  EXPECT_EQ(Run({"cp", "s3://bkt/none", Path("f")}), 3);
  EXPECT_EQ(Run({"cp", "-r", "s3://bkt/none", Path("d")}), 3);
  EXPECT_EQ(Run({"cp", Path("none"), "s3://bkt/k"}), 3);
  EXPECT_EQ(Run({"stat", "s3://bkt/none"}), 3);
  EXPECT_EQ(Run({"du", "s3://bkt/none"}), 3);
}

TEST_F(CommandsTest, CpMovesOneFileEachWay) {
  GivenFile("in.txt", "hello");
  EXPECT_EQ(Run({"cp", Path("in.txt"), "s3://bkt/dir/"}), 0);
  EXPECT_EQ(out_, "upload: " + Path("in.txt") + " to s3://bkt/dir/in.txt\n");
  EXPECT_EQ(blocking_.Head("bkt", "dir/in.txt")->attributes.content_type, "text/plain");
  EXPECT_EQ(Run({"cp", "s3://bkt/dir/in.txt", Path("out.txt")}), 0);
  EXPECT_EQ(FileText("out.txt"), "hello");
  EXPECT_EQ(Run({"cp", "s3://bkt/dir/in.txt", "s3://bkt/copy"}), 0);
  EXPECT_EQ(*blocking_.Get("bkt", "copy"), "hello");
}

TEST_F(CommandsTest, CpIntoAFolderKeepsTheName) {
  GivenObject("dir/a.txt", "a");
  fs::create_directory(folder_.path() / "there");
  EXPECT_EQ(Run({"cp", "s3://bkt/dir/a.txt", Path("there")}), 0);
  EXPECT_EQ(FileText("there/a.txt"), "a");
  EXPECT_EQ(Run({"cp", "s3://bkt/dir/a.txt", Path("new/")}), 0);
  EXPECT_EQ(FileText("new/a.txt"), "a");
}

TEST_F(CommandsTest, CpOfAFolderAsksForRecursive) {
  GivenObject("dir/a.txt", "a");
  EXPECT_EQ(Run({"cp", folder_.string(), "s3://bkt/"}), 2);
  EXPECT_THAT(err_, HasSubstr("--recursive"));
  EXPECT_EQ(Run({"cp", "s3://bkt/dir/", Path("out")}), 2);
  EXPECT_THAT(err_, HasSubstr("--recursive"));
}

TEST_F(CommandsTest, CpRecursiveFiltersInOrder) {
  GivenFile("in/a.png", "1");
  GivenFile("in/sub/b.png", "2");
  GivenFile("in/sub/c.txt", "3");
  EXPECT_EQ(Run({"cp", "-r", Path("in"), "s3://bkt/p", "--exclude", "*", "--include", "*.png",
                 "--exclude", "sub/*"}),
            0);
  EXPECT_THAT(Keys(), ElementsAre("p/a.png"));
}

TEST_F(CommandsTest, CpRefusesUnsafeKeysOneByOneAndGoesOn) {
  GivenObject("d/../evil", "x");
  GivenObject("d//blank", "x");
  GivenObject("d/good", "fine");
  GivenObject("d/marker/", "");
  GivenObject("d/" + std::string(256, 'n'), "x");
  GivenObject("d/node", "file");
  GivenObject("d/node/child", "folder");
  EXPECT_EQ(Run({"cp", "-r", "s3://bkt/d", Path("out")}), 5);
  EXPECT_THAT(Files(), ElementsAre("out/good", "out/node"));
  EXPECT_EQ(FileText("out/good"), "fine");
  EXPECT_THAT(err_, HasSubstr("d/../evil"));
  EXPECT_THAT(err_, HasSubstr("d//blank"));
  EXPECT_THAT(err_, HasSubstr("d/node/child"));
  EXPECT_THAT(err_, HasSubstr("4 of 6 failed"));
}

TEST_F(CommandsTest, CpReadsStandardInputAndWritesStandardOutput) {
  const std::string text = headrace::testing::SeededText(3, 20'000'000);
  EXPECT_EQ(Run({"cp", "-", "s3://bkt/big", "--metadata", "who=me", "--content-type", "x/y"}, text),
            0);
  EXPECT_EQ(blocking_.Head("bkt", "big")->attributes.content_type, "x/y");
  EXPECT_EQ(blocking_.Head("bkt", "big")->attributes.user_metadata.at("who"), "me");
  EXPECT_EQ(Run({"cp", "s3://bkt/big", "-"}), 0);
  EXPECT_TRUE(out_ == text);
  EXPECT_EQ(Run({"cat", "s3://bkt/big", "s3://bkt/big"}), 0);
  EXPECT_TRUE(out_ == text + text);
  EXPECT_EQ(Run({"cp", "--json", "-", "s3://bkt/k"}, "four"), 0);
  EXPECT_THAT(out_, HasSubstr("\"size_bytes\":4"));
  EXPECT_EQ(Run({"cp", "-", "s3://bkt/dir/"}, "x"), 2);
  EXPECT_EQ(Run({"mv", "-", "s3://bkt/k"}, "x"), 2);
}

TEST_F(CommandsTest, CpSendsAFileThatDoesNotTellItsSize) {
  EXPECT_EQ(Run({"cp", "/proc/sys/kernel/ostype", "s3://bkt/p/"}), 0) << err_;
  EXPECT_EQ(out_, "upload: /proc/sys/kernel/ostype to s3://bkt/p/ostype\n");
  EXPECT_EQ(*blocking_.Get("bkt", "p/ostype"), "Linux\n");
  const std::string shorter_than_told = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (std::filesystem::exists(shorter_than_told)) {
    EXPECT_EQ(Run({"cp", shorter_than_told, "s3://bkt/s"}), 0) << err_;
    EXPECT_THAT(*blocking_.Get("bkt", "s"), HasSubstr("never"));
    EXPECT_EQ(Run({"rm", "s3://bkt/s"}), 0);
  }
  GivenFile("empty", "");
  EXPECT_EQ(Run({"cp", Path("empty"), "s3://bkt/empty"}), 0) << err_;
  EXPECT_EQ(*blocking_.Get("bkt", "empty"), "");
  EXPECT_EQ(Run({"cp", "--exclude", "*", "/proc/sys/kernel/ostype", "s3://bkt/q"}), 0) << err_;
  // Nothing that mv sends away could be removed there.
  EXPECT_EQ(Run({"mv", "/proc/sys/kernel/ostype", "s3://bkt/q"}), 5);
  EXPECT_THAT(Keys(), ElementsAre("empty", "p/ostype"));
}

TEST_F(CommandsTest, CpKeepsAttributesItIsNotToldToReplace) {
  const PutRequest request{
      .bucket = "bkt",
      .key = "k",
      .attributes = {.content_type = "image/png", .user_metadata = {{"a", "1"}}}};
  ASSERT_THAT(blocking_.Put(request, "x"), IsOk());
  EXPECT_EQ(Run({"cp", "s3://bkt/k", "s3://bkt/k2", "--storage-class", "GLACIER"}), 0);
  const auto head = blocking_.Head("bkt", "k2");
  EXPECT_EQ(head->attributes.content_type, "image/png");
  EXPECT_EQ(head->attributes.user_metadata.at("a"), "1");
}

TEST_F(CommandsTest, RmRemovesOneOrAFolder) {
  GivenObject("d/a", "x");
  GivenObject("d/b.txt", "x");
  GivenObject("data", "x");
  EXPECT_EQ(Run({"rm", "s3://bkt/d/a"}), 0);
  EXPECT_EQ(out_, "delete: s3://bkt/d/a\n");
  EXPECT_EQ(Run({"rm", "s3://bkt"}), 2);
  EXPECT_EQ(Run({"rm", "-r", "s3://bkt/d", "--exclude", "*.txt"}), 0);
  EXPECT_THAT(Keys(), ElementsAre("d/b.txt", "data"));
  EXPECT_EQ(Run({"rm", "-r", "s3://bkt/d"}), 0);
  EXPECT_THAT(Keys(), ElementsAre("data"));
}

TEST_F(CommandsTest, MbAndRbMakeAndRemoveBuckets) {
  EXPECT_EQ(Run({"mb", "s3://new"}), 0);
  EXPECT_THAT(blocking_.HeadBucket("new"), IsOk());
  EXPECT_EQ(Run({"mb", "s3://new/key"}), 2);
  EXPECT_EQ(Run({"rb", "s3://new"}), 0);
  EXPECT_EQ(Run({"rb", "s3://new"}), 3);
  GivenObject("k", "x");
  EXPECT_EQ(Run({"rb", "s3://bkt"}), 6);
  EXPECT_EQ(Run({"rb", "--force", "s3://bkt"}), 0);
  EXPECT_THAT(blocking_.HeadBucket("bkt"), HasCode(ErrorCode::kNotFound));
}

TEST_F(CommandsTest, StatAndDuTellSizes) {
  GivenObject("d/a", "12345");
  GivenObject("d/b", std::string(2000, 'x'));
  EXPECT_EQ(Run({"stat", "s3://bkt/d/a", "s3://bkt"}), 0);
  EXPECT_THAT(out_, HasSubstr("5 (5 B)"));
  EXPECT_EQ(Run({"stat", "--json", "s3://bkt/d/a"}), 0);
  EXPECT_THAT(out_, HasSubstr(R"("size_bytes":5)"));
  EXPECT_EQ(Run({"du", "--json", "s3://bkt/d/"}), 0);
  EXPECT_EQ(out_, "{\"uri\":\"s3://bkt/d/\",\"objects\":2,\"size_bytes\":2005}\n");
  EXPECT_EQ(Run({"du", "-H", "s3://bkt"}), 0);
  EXPECT_THAT(out_, HasSubstr("2.0 KiB"));
}

TEST_F(CommandsTest, PresignPrintsAUrlWithoutTheSecret) {
  EXPECT_EQ(Run({"presign", "--endpoint-url", "http://127.0.0.1:9000", "--region", "eu-west-1",
                 "--expires-in", "600", "s3://bkt/a b"}),
            0);
  EXPECT_THAT(out_, ::testing::StartsWith("http://127.0.0.1:9000/bkt/a%20b?"));
  EXPECT_THAT(out_, HasSubstr("X-Amz-Date=20260101T000000Z"));
  EXPECT_THAT(out_, HasSubstr("X-Amz-Expires=600"));
  EXPECT_THAT(out_, HasSubstr("X-Amz-Signature="));
  EXPECT_THAT(out_, ::testing::Not(HasSubstr("secret-of-the-example")));
  EXPECT_EQ(Run({"presign", "s3://bkt"}), 2);
  EXPECT_EQ(Run({"presign", "--expires-in", "604801", "s3://bkt/k"}), 2);
}

TEST_F(CommandsTest, QuietPrintsErrorsOnly) {
  GivenFile("in/a", "1");
  EXPECT_EQ(Run({"cp", "-q", "-r", Path("in"), "s3://bkt/p"}), 0);
  EXPECT_THAT(out_ + err_, IsEmpty());
  GivenObject("p/..", "x");
  EXPECT_EQ(Run({"--quiet", "cp", "-r", "s3://bkt/p", Path("out")}), 5);
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_THAT(err_, HasSubstr("p/.."));
}

TEST_F(CommandsTest, JsonLinesTellWhatWasDoneAndWhatFailed) {
  GivenObject("p/..", "x");
  GivenObject("p/a", "1");
  EXPECT_EQ(Run({"cp", "--json", "-r", "s3://bkt/p", Path("out")}), 5);
  EXPECT_THAT(out_, HasSubstr(R"({"operation":"download","source":"s3://bkt/p/a","target":")"));
  EXPECT_THAT(out_, HasSubstr(R"("error_code":"invalid argument")"));
}

TEST(ExitCodeMeanings, NameEveryCodeAnErrorCanGive) {
  std::set<ExitCode> documented;
  for (const ExitCodeMeaning& row : ExitCodeMeanings()) documented.insert(row.code);
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    EXPECT_TRUE(documented.contains(ExitCodeOf(static_cast<ErrorCode>(code))));
  }
}

TEST_F(CommandsTest, InspectListsTheRecordsOfAnObjectAFileOrStandardInput) {
  // RecordIO: "1" and "hello".
  const std::string shard =
      HexDecode("0a23d7ce01000000310000000a23d7ce0500000068656c6c6f000000").value();
  GivenObject("data/a.rec", shard);
  GivenFile("a.rec", shard);
  for (const std::string& source : {std::string("s3://bkt/data/a.rec"), Path("a.rec")}) {
    EXPECT_EQ(Run({"inspect", source}), 0) << err_;
    EXPECT_THAT(out_, HasSubstr("2 records, 6 bytes, recordio\n"));
  }
  EXPECT_EQ(Run({"inspect", "--limit", "1", "-"}, shard), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("the first 1 record, 1 byte, recordio\n"));
  EXPECT_EQ(Run({"inspect", "--json", "--limit", "1", "-"}, shard), 0) << err_;
  EXPECT_EQ(out_, "{\"index\":0,\"offset_bytes\":0,\"size_bytes\":1}\n");
}

TEST_F(CommandsTest, InspectReadsAPipeWhoseWriterComesLate) {
  const std::string shard =
      HexDecode("0a23d7ce01000000310000000a23d7ce0500000068656c6c6f000000").value();
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  // Opening waits for the reader.
  std::thread writer([&] { std::ofstream(path, std::ios::binary) << shard; });
  EXPECT_EQ(Run({"inspect", path}), 0) << err_;
  writer.join();
  EXPECT_THAT(out_, HasSubstr("2 records, 6 bytes, recordio\n"));
}

TEST_F(CommandsTest, InspectOfAPipeThatNobodyWritesToCanBeStopped) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  stop_.request_stop();
  EXPECT_EQ(Run({"inspect", path}), 130);
}

TEST_F(CommandsTest, NumbersAreTakenAsWrittenOrRefusedByName) {
  for (const char* number : {"-1", "99999999999999999999", "1.5", "0x3"}) {
    EXPECT_EQ(Run({"run", "--rank", "0", "--world-size", number, "--", "true"}), 2) << number;
    EXPECT_THAT(err_, HasSubstr("--world-size: "));
    EXPECT_THAT(err_, HasSubstr(number));
    EXPECT_EQ(Run({"bench", "--reads", number, "s3://bkt"}), 2) << number;
    EXPECT_THAT(err_, HasSubstr("--reads: "));
    EXPECT_EQ(Run({"cp", "--memory", number, "s3://bkt/a", Path("a")}), 2) << number;
    EXPECT_THAT(err_, HasSubstr("--memory: "));
  }
}

TEST_F(CommandsTest, InspectNamesTheShardAndTheRecordThatIsCut) {
  GivenObject("a.rec", HexDecode("0a23d7ce01000000310000000a23d7ce").value());
  EXPECT_EQ(Run({"inspect", "s3://bkt/a.rec"}), 1);
  EXPECT_THAT(err_, HasSubstr("s3://bkt/a.rec: record 1 at byte 12: the stream ends inside it"));
  EXPECT_EQ(Run({"inspect", "s3://bkt/none"}), 3);
  EXPECT_EQ(Run({"inspect", Path("none")}), 3);
}

}  // namespace
}  // namespace headrace::cli
