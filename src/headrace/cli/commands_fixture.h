// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/cli/command.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::cli {

// For tests: runs command lines against a store in memory that holds the bucket "bkt", in a folder
// of its own.
class CommandsTest : public ::testing::Test {
 protected:
  CommandsTest() { EXPECT_THAT(blocking_.CreateBucket("bkt"), testing::IsOk()); }

  int Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::FILE* in = std::tmpfile();
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    std::fwrite(input.data(), 1, input.size(), in);
    std::fflush(in);
    std::rewind(in);
    CommandWorld world;
    world.in = in;
    world.out = out;
    world.err = err;
    world.version = "9.9.9";
    world.stop = stop_.get_token();
    world.clock = &clock_;
    world.environment = Environment({{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                                     {"AWS_SECRET_ACCESS_KEY", "secret-of-the-example"},
                                     {"AWS_CONFIG_FILE", "/dev/null"},
                                     {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"}});
    world.open_store =
        [this](const s3::S3Settings& settings) -> Result<std::unique_ptr<ObjectStore>> {
      settings_ = settings;
      auto store = std::make_unique<FaultyStore>(store_);
      if (on_open_) on_open_(*store);
      return store;
    };
    const ExitCode code = RunCommandLine(arguments, std::move(world));
    out_ = TextOf(out);
    err_ = TextOf(err);
    for (std::FILE* stream : {in, out, err}) std::fclose(stream);
    return static_cast<int>(code);
  }
  static std::string TextOf(std::FILE* stream) {
    std::fflush(stream);
    std::rewind(stream);
    std::string text;
    for (int c = std::fgetc(stream); c != EOF; c = std::fgetc(stream)) {
      text += static_cast<char>(c);
    }
    return text;
  }
  // The lines of standard output, sorted: transfers end in any order.
  std::multiset<std::string> Lines() const {
    std::istringstream stream(out_);
    std::multiset<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.insert(line);
    return lines;
  }

  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void GivenFile(const std::string& name, const std::string& text, int64_t mtime_seconds = 0) {
    folder_.Write(name, text);
    if (mtime_seconds == 0) return;
    const timespec time{.tv_sec = mtime_seconds, .tv_nsec = 0};
    const timespec times[] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, Path(name).c_str(), times, 0), 0);
  }
  std::string FileText(const std::string& name) const {
    return folder_.Has(name) ? folder_.Read(name) : "(no file)";
  }
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file())
        files.insert(std::filesystem::relative(entry.path(), folder_.path()).string());
    }
    return files;
  }
  void GivenObject(const std::string& key, const std::string& text) {
    ASSERT_THAT(blocking_.Put("bkt", key, text), testing::IsOk());
  }
  std::vector<std::string> Keys() { return *blocking_.Keys("bkt"); }

  headrace::testing::TempDir folder_;
  // 2026-01-01T00:00:00Z.
  headrace::testing::ManualClock clock_{SystemTime(std::chrono::seconds(1'767'225'600))};
  MemoryStore store_{clock_};
  headrace::testing::BlockingStore blocking_{store_};
  std::function<void(FaultyStore&)> on_open_;  // Scripts what goes wrong in a command's store.
  std::stop_source stop_;
  s3::S3Settings settings_;
  std::string out_;
  std::string err_;
};

}  // namespace headrace::cli
