// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/folder_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::directory {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;

// A bucket may be on another file system than the server's own files, between which Linux copies
// nothing inside the kernel.
TEST(FolderFilesTest, CopiesBytesFromAnotherFileSystem) {
  const std::string path = "/dev/shm/headrace-test-" + RandomHex(8);
  const UniqueFd source(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!source.is_open()) GTEST_SKIP() << "there is no second file system to write to";
  ::unlink(path.c_str());
  std::string text;
  for (int i = 0; text.size() < 600'000; ++i) text += std::to_string(i);
  ASSERT_THAT(WriteAll(source.get(), AsBytes(text)), IsOk());

  const testing::TempDir folder;
  const std::string copied_path = folder.Write("copy", "");
  const UniqueFd target(::open(copied_path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat here{};
  struct stat there{};
  ASSERT_EQ(::fstat(target.get(), &here) + ::fstat(source.get(), &there), 0);
  if (here.st_dev == there.st_dev) GTEST_SKIP() << "both are of one file system";
  ASSERT_THAT(WriteAll(target.get(), AsBytes("before")), IsOk());
  ASSERT_THAT(CopyBytes(source.get(), 10, text.size() - 10, target.get()), IsOk());
  std::string copied(6 + text.size() - 10, '\0');
  ASSERT_THAT(ReadAt(target.get(), 0, std::as_writable_bytes(std::span(copied))), IsOk());
  EXPECT_EQ(copied, "before" + text.substr(10));
  EXPECT_THAT(CopyBytes(source.get(), 10, text.size(), target.get()), HasCode(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace headrace::directory
