// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/access_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/gateway/request_record.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::gateway {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(AccessLog, WritesEveryLineWholeAndAppends) {
  const TempDir folder;
  const std::string path = folder.string() + "/access.log";
  for (int round = 0; round < 2; ++round) {
    const auto log = AccessLog::Open(path).value();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 500; ++n) log->Write("{\"a\":\"line\"}\n");
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(log->dropped_lines(), 0U);
  }
  std::istringstream lines(ReadFile(path));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(line, "{\"a\":\"line\"}");
    ++count;
  }
  EXPECT_EQ(count, 4000);
}

TEST(AccessLog, GoesOnInANewFileAfterARotation) {
  const TempDir folder;
  const std::string path = folder.string() + "/access.log";
  {
    const auto log = AccessLog::Open(path).value();
    std::filesystem::rename(path, path + ".1");
    ASSERT_THAT(log->Reopen(), IsOk());
    log->Write("new\n");
  }
  EXPECT_EQ(ReadFile(path), "new\n");
  EXPECT_EQ(ReadFile(path + ".1"), "");
}

TEST(AccessLog, KeepsTheOldFileWhenThereCanBeNoNewOne) {
  const TempDir folder;
  const std::string inner = folder.string() + "/logs";
  std::filesystem::create_directory(inner);
  {
    const auto log = AccessLog::Open(inner + "/access.log").value();
    std::filesystem::rename(inner, folder.string() + "/old");
    EXPECT_THAT(log->Reopen(), HasCode(ErrorCode::kNotFound));
    log->Write("still\n");
  }
  EXPECT_EQ(ReadFile(folder.string() + "/old/access.log"), "still\n");
}

TEST(AccessLog, DropsAndCountsWhatAStuckFileCannotTake) {
  const TempDir folder;
  const std::string path = folder.string() + "/fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  const std::string line = std::string(1023, 'x') + "\n";
  std::string read_back;
  uint64_t dropped = 0;
  constexpr size_t kLines = 4096;
  {
    const auto log = AccessLog::Open(path, 256UL * 1024).value();
    // A FIFO takes 64 KiB, the queue and the batch in hand 256 KiB each.
    for (size_t i = 0; i < kLines; ++i) log->Write(line);
    dropped = log->dropped_lines();
    EXPECT_GE(dropped, kLines - (64 + 2 * 256));
    std::thread drain([&] {
      std::array<char, 65536> piece;
      while (read_back.size() < (kLines - dropped) * line.size()) {
        const ssize_t count = read(reader, piece.data(), piece.size());
        if (count > 0) read_back.append(piece.data(), static_cast<size_t>(count));
      }
    });
    drain.join();
  }
  close(reader);
  EXPECT_EQ(read_back.size(), (kLines - dropped) * line.size());
}

TEST(AccessLog, AFolderThatIsNotThereIsNamed) {
  const auto log = AccessLog::Open("/nowhere/access.log");
  ASSERT_FALSE(log.has_value());
  EXPECT_THAT(log.error().message(), HasSubstr("/nowhere/access.log"));
}

TEST(AccessLogLine, SaysWhatHappenedInOneLineOfJson) {
  RequestRecord record{.request_id = "00AB", .bucket = "b", .key = "a \"key\"\n", .user = "ME"};
  record.error_code = "NoSuchKey";
  record.status = 404;
  record.sent_bytes = 300;
  record.first_byte = std::chrono::microseconds(1500);
  record.total = std::chrono::milliseconds(2);
  net::HttpRequestHead head{.method = "GET", .target = "/b/a", .headers = {}};
  head.headers.Add("User-Agent", "Boto3/1");
  const std::string line = AccessLogLine(record, head, "127.0.0.1", SystemTime());
  EXPECT_EQ(
      line,
      "{\"time\":\"1970-01-01T00:00:00.000Z\",\"remote\":\"127.0.0.1\",\"request_id\":\"00AB\","
      "\"user\":\"ME\",\"operation\":\"-\",\"bucket\":\"b\",\"key\":\"a \\\"key\\\"\\n\","
      "\"method\":\"GET\",\"target\":\"/b/a\",\"status\":404,\"error\":\"NoSuchKey\","
      "\"received_bytes\":0,\"sent_bytes\":300,\"first_byte_us\":1500,\"total_us\":2000,"
      "\"user_agent\":\"Boto3/1\"}\n");
}

}  // namespace
}  // namespace headrace::gateway
