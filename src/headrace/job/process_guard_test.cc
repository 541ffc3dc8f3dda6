// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/process_guard.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <gtest/gtest.h>

namespace headrace::job {
namespace {

using std::chrono::milliseconds;

// A process in a group of its own that sleeps until a signal ends it.
class Sleeper {
 public:
  explicit Sleeper(bool ignores_stop = false) {
    std::array<int, 2> ready{};
    EXPECT_EQ(pipe(ready.data()), 0);
    process_ = fork();
    if (process_ == 0) {
      setpgid(0, 0);
      signal(SIGTERM, ignores_stop ? SIG_IGN : SIG_DFL);
      close(ready[0]);
      close(ready[1]);
      while (true) pause();
    }
    close(ready[1]);
    char byte = 0;
    while (read(ready[0], &byte, 1) < 0 && errno == EINTR) continue;
    close(ready[0]);
  }
  ~Sleeper() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  pid_t process() const { return process_; }
  bool is_running() const { return waitpid(process_, nullptr, WNOHANG) == 0; }
  // The signal that ends it; returns once one has.
  int AwaitEnd() {
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
    process_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t process_ = 0;
};

// A process that guards the sleeper and then ends as a killed one does: nothing of it runs any
// more.
void GuardAndDie(const Sleeper& sleeper, milliseconds grace) {
  const pid_t process = fork();
  if (process == 0) {
    const auto guard = ProcessGuard::Make();
    if (guard) guard->Watch(sleeper.process(), grace);
    _exit(guard ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(ProcessGuard, AsksTheCommandOfAKilledProcessToStop) {
  Sleeper sleeper;
  GuardAndDie(sleeper, std::chrono::hours(1));
  EXPECT_EQ(sleeper.AwaitEnd(), SIGTERM);
}

TEST(ProcessGuard, KillsWhatDoesNotStopWithinTheGrace) {
  Sleeper sleeper(/*ignores_stop=*/true);
  GuardAndDie(sleeper, milliseconds(1));
  EXPECT_EQ(sleeper.AwaitEnd(), SIGKILL);
}

TEST(ProcessGuard, ReachesACommandThatIsStopped) {
  Sleeper sleeper;
  ASSERT_EQ(kill(sleeper.process(), SIGSTOP), 0);
  GuardAndDie(sleeper, std::chrono::hours(1));
  EXPECT_EQ(sleeper.AwaitEnd(), SIGTERM);
}

TEST(ProcessGuard, LeavesTheCommandAloneWhenItIsNotNeeded) {
  const Sleeper sleeper;
  {
    const auto guard = ProcessGuard::Make();
    ASSERT_TRUE(guard.has_value());
    guard->Watch(sleeper.process(), milliseconds(0));
  }
  // The guard has ended, which is waited for.
  EXPECT_TRUE(sleeper.is_running());
}

}  // namespace
}  // namespace headrace::job
