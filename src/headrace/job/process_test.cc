// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/find_program.h"
#include "headrace/base/unique_fd.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

using ::testing::HasSubstr;

// A shell cannot trap a signal that it was started with as ignored, as a job in the background of
// a script is with SIGINT.
class DefaultSignal {
 public:
  explicit DefaultSignal(int signal) : signal_(signal) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    sigaction(signal_, &action, &before_);
  }
  ~DefaultSignal() { sigaction(signal_, &before_, nullptr); }
  DefaultSignal(const DefaultSignal&) = delete;
  DefaultSignal& operator=(const DefaultSignal&) = delete;

 private:
  int signal_;
  struct sigaction before_{};
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessEnd RunShell(const std::string& script) {
    return RunProcess("/bin/sh", {"sh", "-c", script}, environment_, signals_, options_).value();
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  std::string Read(const std::string& name) const { return folder_.Read(name); }
  void Write(const std::string& name, const std::string& text, mode_t mode) const {
    chmod(folder_.Write(name, text).c_str(), mode);
  }
  // Runs `script`, which announces through the FIFO "ready" that it listens, and only then posts
  // `posted`.
  ProcessEnd RunShellAndPost(const std::string& script, std::initializer_list<int> posted) {
    EXPECT_EQ(mkfifo(Path("ready").c_str(), 0600), 0);
    std::thread poster([&] {
      std::ifstream ready(Path("ready"));
      std::string line;
      std::getline(ready, line);
      for (const int signal : posted) signals_.Post(signal);
    });
    const ProcessEnd end = RunShell(script);
    poster.join();
    return end;
  }

  headrace::testing::TempDir folder_;
  Environment environment_{{{"PATH", "/usr/bin:/bin"}}};
  SignalInbox signals_ = SignalInbox::Make().value();
  ProcessOptions options_;
};

TEST_F(ProcessTest, KeepsTheExitCode) {
  EXPECT_EQ(RunShell("exit 0").exit_code, 0);
  const ProcessEnd end = RunShell("exit 42");
  EXPECT_EQ(end.exit_code, 42);
  EXPECT_EQ(DescribeEnd(end), "the command exited with code 42");
}

TEST_F(ProcessTest, ShowsASignalAs128PlusItsNumber) {
  const ProcessEnd end = RunShell("kill -9 $$");
  EXPECT_EQ(end.exit_code, 137);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_THAT(DescribeEnd(end), HasSubstr("signal 9"));
}

TEST_F(ProcessTest, PassesEnvironmentAndArguments) {
  environment_.Set("SM_MODEL_DIR", "/some where");
  RunProcess("/bin/sh",
             {"sh", "-c", fmt::format("printf '%s|%s' \"$SM_MODEL_DIR\" \"$1\" > {}", Path("out")),
              "x", "a b"},
             environment_, signals_, options_)
      .value();
  EXPECT_EQ(Read("out"), "/some where|a b");
}

TEST_F(ProcessTest, PassesNoOtherDescriptorOn) {
  ASSERT_EQ(dup2(STDIN_FILENO, 77), 77);
  EXPECT_EQ(RunShell("test -e /proc/$$/fd/0 && test ! -e /proc/$$/fd/77").exit_code, 0);
  close(77);
}

TEST_F(ProcessTest, ForwardsStopSignalsAndKeepsWhatTheCommandMakesOfThem) {
  const ProcessEnd end = RunShellAndPost(
      fmt::format("trap 'exit 7' TERM; echo > {}; while :; do sleep 0.01; done", Path("ready")),
      {SIGTERM});
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.stop_signal, SIGTERM);
  EXPECT_FALSE(end.outlived_grace);
}

TEST_F(ProcessTest, ForwardsUserSignalsWithoutStopping) {
  const ProcessEnd end = RunShellAndPost(
      fmt::format("trap 'exit 8' USR1; echo > {}; while :; do sleep 0.01; done", Path("ready")),
      {SIGUSR1});
  EXPECT_EQ(end.exit_code, 8);
  EXPECT_EQ(end.stop_signal, 0);
}

TEST_F(ProcessTest, ReachesTheWholeGroup) {
  const DefaultSignal not_ignored(SIGINT);
  // The shell waits for its child and ignores the signal itself; the child dies of it.
  const ProcessEnd end = RunShellAndPost(
      fmt::format("trap : INT; (trap - INT; echo > {}; exec sleep 1000); exit 5", Path("ready")),
      {SIGINT});
  EXPECT_EQ(end.exit_code, 5);
}

TEST_F(ProcessTest, KillsWhatOutlivesTheGrace) {
  options_.stop_grace = std::chrono::milliseconds(1);
  const ProcessEnd end = RunShellAndPost(
      fmt::format("trap '' TERM; echo > {}; while :; do sleep 0.01; done", Path("ready")),
      {SIGTERM});
  EXPECT_EQ(end.exit_code, 137);
  EXPECT_TRUE(end.outlived_grace);
  EXPECT_THAT(DescribeEnd(end), HasSubstr("did not end in time"));
}

TEST_F(ProcessTest, LeavesNothingOfTheGroupRunning) {
  ASSERT_EQ(mkfifo(Path("held").c_str(), 0600), 0);
  RunShell(fmt::format("sleep 1000 <> {} & echo $! > {}", Path("held"), Path("pid")));
  // Killed and reaped.
  EXPECT_EQ(kill(std::stoi(Read("pid")), 0), -1);
}

TEST_F(ProcessTest, LeavesNothingInOtherSessionsRunning) {
  ASSERT_EQ(mkfifo(Path("ready").c_str(), 0600), 0);
  // A worker in a session of its own and a child of that in another one.
  Write("worker",
        fmt::format("setsid sleep 1000 & echo $! > {}; echo $$ > {}; echo > {}; wait",
                    Path("child"), Path("pid"), Path("ready")),
        0600);
  RunShell(fmt::format("setsid sh {} & read line < {}", Path("worker"), Path("ready")));
  EXPECT_EQ(kill(std::stoi(Read("pid")), 0), -1);
  EXPECT_EQ(kill(std::stoi(Read("child")), 0), -1);
}

TEST_F(ProcessTest, SparesChildrenThatWereOursBefore) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    pause();
    _exit(0);
  }
  while (getpgid(child) != child) std::this_thread::yield();
  RunShell("exit 0");
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(ProcessTest, TheGroupHasTheGraceWhenItsShellDiesOfTheRequest) {
  // The request ends the outer shell at once; the inner one goes on until it has lost its parent,
  // and a while longer.
  Write("worker",
        fmt::format("trap 'while test $(cut -d\" \" -f4 /proc/$$/stat) = $PPID; do :; done;"
                    "for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; echo saved > {}; exit 0' TERM;"
                    "echo > {}; while :; do sleep 0.01; done",
                    Path("saved"), Path("ready")),
        0600);
  const ProcessEnd end = RunShellAndPost(fmt::format("sh {}; exit 0", Path("worker")), {SIGTERM});
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_FALSE(end.outlived_grace);
  EXPECT_EQ(Read("saved"), "saved\n");
}

TEST_F(ProcessTest, TheGroupIsKilledWhenTheGraceIsOver) {
  options_.stop_grace = std::chrono::milliseconds(1);
  const ProcessEnd end = RunShellAndPost(
      fmt::format("(trap '' TERM; echo > {}; exec sleep 1000); exit 0", Path("ready")), {SIGTERM});
  EXPECT_NE(end.signal, 0);
}

TEST_F(ProcessTest, TheCommandKeepsTheLockThatItIsGiven) {
  Write("lock", "", 0600);
  const UniqueFd lock(open(Path("lock").c_str(), O_RDONLY | O_CLOEXEC));
  options_.kept_fd = lock.get();
  const std::string script =
      fmt::format("test /proc/$$/fd/3 -ef {} && test ! -e /proc/$$/fd/4", Path("lock"));
  EXPECT_EQ(RunShell(script).exit_code, 0);
}

TEST_F(ProcessTest, FindProgramSearchesThePath) {
  Write("tool", "#!/bin/sh\n", 0700);
  Write("plain", "text", 0600);
  EXPECT_EQ(FindProgram("tool", "/nowhere:" + folder_.string()).value(), Path("tool"));
  EXPECT_EQ(FindProgram(Path("tool"), "").value(), Path("tool"));
  EXPECT_EQ(FindProgram("no-such-tool", "/nowhere:" + folder_.string()).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(FindProgram("plain", folder_.string()).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(FindProgram(folder_.string(), "").error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(ProcessTest, NamesAMissingInterpreter) {
  Write("tool", "#!/no/such/interpreter\n", 0700);
  const auto end = RunProcess(Path("tool"), {"tool"}, environment_, signals_, options_);
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(end.error().message(), HasSubstr("interpreter is missing"));
}

TEST_F(ProcessTest, TakesTheTerminalBackFromAProgramThatDoesNotRun) {
  Write("tool", "#!/no/such/interpreter\n", 0700);
  const UniqueFd far_end(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(grantpt(far_end.get()) == 0 && unlockpt(far_end.get()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    // The first terminal that the first process of a session opens is the session's.
    dup2(open(ptsname(far_end.get()), O_RDWR), STDIN_FILENO);
    const bool was_ours = tcgetpgrp(STDIN_FILENO) == getpgrp();
    const auto end = RunProcess(Path("tool"), {"tool"}, environment_, signals_, options_);
    _exit(was_ours && !end && tcgetpgrp(STDIN_FILENO) == getpgrp() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(ProcessTest, IsAskedToStopWhenItsTimeIsOver) {
  options_.max_runtime = std::chrono::milliseconds(1);
  const ProcessEnd end = RunShell("trap 'exit 0' TERM; while :; do sleep 0.01; done");
  EXPECT_TRUE(end.is_out_of_time);
  EXPECT_FALSE(end.outlived_grace);
  EXPECT_EQ(end.exit_code, kExitOutOfTime);
  EXPECT_THAT(DescribeEnd(end), HasSubstr("longer than --max-runtime and was stopped"));
}

TEST_F(ProcessTest, IsKilledWhenItDoesNotStopInTime) {
  options_.max_runtime = std::chrono::milliseconds(1);
  options_.stop_grace = std::chrono::milliseconds(1);
  const ProcessEnd end = RunShell("trap '' TERM; while :; do sleep 0.01; done");
  EXPECT_EQ(end.exit_code, kExitOutOfTime);
  EXPECT_TRUE(end.is_out_of_time);
}

TEST_F(ProcessTest, KeepsItsOwnCodeWhenItEndsInTime) {
  options_.max_runtime = std::chrono::hours(1);
  EXPECT_EQ(RunShell("exit 3").exit_code, 3);
}

}  // namespace
}  // namespace headrace::job
