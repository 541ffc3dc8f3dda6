// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/partial_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/temp_dir.h"

namespace headrace::file {
namespace {

// From now on this process's fallocate(2) fails as on a file system that has none. False: the
// system allows no filter.
bool RefuseToAllocate() {
  std::array<sock_filter, 4> code{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = code.size(), .filter = code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// A filter cannot be taken off again, so a child carries it: 0 is success, 2 that there is none.
int ReserveWithoutAllocation(const std::string& path) {
  if (!RefuseToAllocate()) return 2;
  auto file = PartialFile::Create(path);
  constexpr uint64_t kSizeBytes = 64 * 1024;
  const bool is_reserved = file.has_value() && file->Reserve(kSizeBytes).has_value();
  struct stat status{};
  const auto temporary =
      std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())->path();
  return is_reserved && stat(temporary.c_str(), &status) == 0 && status.st_size == 0 ? 0 : 1;
}

// Emulated, a reservation writes into every block: over the parts that came before it.
TEST(PartialFile, ReservingWritesNothingWhereTheFileSystemCannotReserve) {
  const testing::TempDir folder;
  const pid_t child = fork();
  if (child == 0) _exit(ReserveWithoutAllocation(folder.Path("weights.bin")));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(IsPartialName, KnowsItsOwnNames) {
  const testing::TempDir folder;
  for (const std::string name : {"a", "weights.bin", ".hidden"}) {
    const auto file = PartialFile::Create(folder.Path(name));
    ASSERT_TRUE(file.has_value());
    const auto made = std::filesystem::directory_iterator(folder.path())->path().filename();
    EXPECT_TRUE(IsPartialName(made.native())) << made;
  }
}

TEST(IsPartialName, LeavesOtherNamesToTheirOwners) {
  for (const char* name : {"", "a", ".headrace-part", "notes.headrace-part", ".notes.headrace-part",
                           ".a.0123.headrace-part", ".a.0123456789AB.headrace-part",
                           "a.0123456789ab.headrace-part", "..0123456789ab.headrace-part",
                           ".a-0123456789ab.headrace-part", ".a.0123456789ab.headrace-parts"}) {
    EXPECT_FALSE(IsPartialName(name)) << name;
  }
}

TEST(RemovePartialFiles, TakesOldPiecesAlone) {
  const testing::TempDir folder;
  const auto write_at = [&folder](const std::string& name, time_t second) {
    const timespec time{.tv_sec = second, .tv_nsec = 0};
    const timespec times[2] = {time, time};
    utimensat(AT_FDCWD, folder.Write(name, "x").c_str(), times, 0);
  };
  write_at("below/.old.0123456789ab.headrace-part", 1'000);
  write_at("below/old", 1'000);
  write_at(".new.0123456789ab.headrace-part", 3'000);
  RemovePartialFiles(folder.string(), SystemTime(std::chrono::seconds(2'000)));
  EXPECT_FALSE(folder.Has("below/.old.0123456789ab.headrace-part"));
  EXPECT_TRUE(folder.Has("below/old"));
  EXPECT_TRUE(folder.Has(".new.0123456789ab.headrace-part"));
}

TEST(PartialSweep, LooksThroughAFolderOnceAndNotBelowIt) {
  const testing::TempDir folder;
  const auto leave_in = [&folder](const std::string& below) {
    return folder.Write(below + ".f.0123456789ab.headrace-part", "x");
  };
  const auto is_in = [&folder](const std::string& below) {
    return folder.Has(below + ".f.0123456789ab.headrace-part");
  };
  leave_in("");
  leave_in("a/");
  leave_in("a/b/");
  PartialSweep sweep(SystemTime::max());
  sweep.Before(folder.Path("a/1"));
  EXPECT_TRUE(is_in(""));
  EXPECT_FALSE(is_in("a/"));
  EXPECT_TRUE(is_in("a/b/"));
  leave_in("a/");
  sweep.Before(folder.Path("a/b/1"));
  sweep.Before(folder.Path("a/b/c/1"));
  sweep.Before(folder.Path("a/c"));
  EXPECT_FALSE(is_in("a/b/"));
  EXPECT_TRUE(is_in("a/"));
  sweep.Before(folder.Path("b"));
  EXPECT_FALSE(is_in(""));
}

TEST(RemovePartialFiles, LeavesWhatIsStillBeingWritten) {
  const testing::TempDir folder;
  {
    auto file = PartialFile::Create(folder.Path("a"));
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(file->WriteAt(AsBytes("x"), 0).has_value());
    RemovePartialFiles(folder.string(), SystemTime::max());
    EXPECT_TRUE(file->Commit(1, SystemTime(std::chrono::seconds(1)), /*sync=*/false).has_value());
  }
  EXPECT_TRUE(folder.Has("a"));
}

}  // namespace
}  // namespace headrace::file
