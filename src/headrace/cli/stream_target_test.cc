// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/stream_target.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;
using headrace::testing::HasCode;
using headrace::testing::IsOk;

class StreamTargetTest : public ::testing::Test {
 protected:
  StreamTargetTest() {
    EXPECT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
    folder_.Write("file", "x");
    fs::create_symlink("pipe", folder_.path() / "link");
    fs::create_symlink("file", folder_.path() / "link-to-file");
  }

  headrace::testing::TempDir folder_;
};

TEST_F(StreamTargetTest, DevicesPipesAndDescriptorsAreStreamsAndFilesAreNot) {
  EXPECT_TRUE(IsStreamTarget(folder_.path() / "pipe"));
  EXPECT_TRUE(IsStreamTarget(folder_.path() / "link"));
  EXPECT_TRUE(IsStreamTarget("/dev/null"));
  std::FILE* file = std::fopen((folder_.path() / "file").c_str(), "r");
  EXPECT_TRUE(IsStreamTarget("/proc/self/fd/" + std::to_string(fileno(file))));
  std::fclose(file);
  EXPECT_FALSE(IsStreamTarget(folder_.path() / "file"));
  EXPECT_FALSE(IsStreamTarget(folder_.path() / "link-to-file"));
  EXPECT_FALSE(IsStreamTarget(folder_.path()));
  EXPECT_FALSE(IsStreamTarget(folder_.path() / "none"));
}

TEST_F(StreamTargetTest, APipeIsWaitedForAndWrittenInto) {
  const std::string path = folder_.path() / "pipe";
  auto read = std::async(std::launch::async, [&] {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  });
  const std::string text(300'000, 'x');
  {
    auto target = StreamTarget::Open(path, {});
    ASSERT_THAT(target, IsOk());
    EXPECT_THAT(target->Write(AsBytes(text), {}), IsOk());
  }
  EXPECT_TRUE(read.get() == text);
  EXPECT_TRUE(fs::is_fifo(folder_.path() / "pipe"));
}

TEST_F(StreamTargetTest, AStopEndsTheWaitForAReader) {
  std::stop_source stop;
  auto opened = std::async(std::launch::async, [&] {
    return StreamTarget::Open(folder_.path() / "pipe", {.deadline = {}, .stop = stop.get_token()})
        .has_value();
  });
  stop.request_stop();
  EXPECT_FALSE(opened.get());
}

TEST_F(StreamTargetTest, ASocketIsRefused) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_.path() / "socket";
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_TRUE(IsStreamTarget(path));
  EXPECT_THAT(StreamTarget::Open(path, {}), HasCode(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace headrace::cli
