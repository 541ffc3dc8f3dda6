// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/process_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/event_fd.h"
#include "headrace/base/find_program.h"
#include "headrace/base/poll_wait.h"
#include "headrace/base/unique_fd.h"

namespace headrace {
namespace {

constexpr size_t kOutputBytesMax = 1 << 20;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Assignments(const Environment& environment) {
  std::vector<std::string> assignments;
  for (const auto& [name, value] : environment.variables()) {
    assignments.push_back(fmt::format("{}={}", name, value));
  }
  return assignments;
}

Result<pid_t> Start(const std::string& program, const std::vector<std::string>& words,
                    const Environment& environment, int output, bool shows_errors) {
  std::vector<std::string> argument_texts = words;
  std::vector<std::string> environment_texts = Assignments(environment);
  const std::vector<char*> arguments = Pointers(argument_texts);
  const std::vector<char*> variables = Pointers(environment_texts);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (!shows_errors) {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  // What this process blocks or ignores is no business of the program's.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int os_error =
      posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (os_error == 0) return pid;
  return Fail(ErrorCode::kPermissionDenied,
              Error::FromErrno(os_error, "start " + program).message());
}

// What ends a wait for the program before the program does.
class Patience {
 public:
  Patience(const ProcessLimits& limits, UniqueFd stop_event)
      : deadline_(limits.deadline),
        stopped_(std::move(stop_event)),
        on_stop_(limits.stop, [this] { (void)eventfd_write(stopped_.get(), 1); }) {}

  // Waits until there is something to read from `fd`.
  Status AwaitReadable(int fd) const {
    while (true) {
      const SteadyTime now = std::chrono::steady_clock::now();
      if (deadline_.HasPassed(now)) {
        return Fail(ErrorCode::kTimedOut, "it did not end in time");
      }
      std::array<pollfd, 2> watched{pollfd{.fd = fd, .events = POLLIN, .revents = 0},
                                    pollfd{.fd = stopped_.get(), .events = POLLIN, .revents = 0}};
      if (poll(watched.data(), watched.size(), PollMilliseconds(deadline_, now)) < 0) {
        if (errno == EINTR) continue;
        return std::unexpected(Error::FromErrno(errno, "wait"));
      }
      if (watched[1].revents != 0) {
        return Fail(ErrorCode::kCancelled, "cancelled");
      }
      if (watched[0].revents != 0) return Ok();
    }
  }

 private:
  const Deadline deadline_;
  const UniqueFd stopped_;
  const std::stop_callback<std::function<void()>> on_stop_;
};

// Reads until the program closes its output.
Result<std::string> ReadUntilClosed(int input, const Patience& patience) {
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    HR_TRY(patience.AwaitReadable(input));
    const ssize_t got = read(input, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Error::FromErrno(errno, "read"));
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > kOutputBytesMax) {
      return Fail(ErrorCode::kCorrupt, "it prints more than 1 MiB");
    }
  }
}

// A program may close its output and go on.
Status AwaitEnd(pid_t pid, const Patience& patience) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.is_open()) {
    return std::unexpected(Error::FromErrno(errno, "watch it"));
  }
  return patience.AwaitReadable(process.get());
}

// Kills the program and takes its end, if that comes at once.
void End(pid_t pid) {
  constexpr std::chrono::seconds kEndTime{1};
  kill(pid, SIGKILL);
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd watched{.fd = process.get(), .events = POLLIN, .revents = 0};
  const Deadline deadline = Deadline::After(kEndTime, std::chrono::steady_clock::now());
  (void)poll(&watched, 1, PollMilliseconds(deadline, std::chrono::steady_clock::now()));
  (void)waitpid(pid, nullptr, WNOHANG);
}

}  // namespace

Result<std::string> ProcessOutput(const std::vector<std::string>& words,
                                  const Environment& environment, const ProcessLimits& limits) {
  const auto program = FindProgram(words.front(), environment.Get("PATH"), EmptyEntry::kIsSkipped);
  if (!program) return Fail(ErrorCode::kPermissionDenied, program.error().message());
  HR_TRY_ASSIGN(UniqueFd stop_event, MakeEventFd());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(Error::FromErrno(errno, "pipe"));
  }
  const UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  HR_TRY_ASSIGN(const pid_t pid,
                Start(*program, words, environment, output.get(), limits.shows_errors));
  output.Close();
  const Patience patience(limits, std::move(stop_event));
  auto text = ReadUntilClosed(input.get(), patience);
  if (text) {
    if (const Status ended = AwaitEnd(pid, patience); !ended) text = std::unexpected(ended.error());
  }
  if (!text) {
    End(pid);
    return text;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Fail(ErrorCode::kPermissionDenied,
                fmt::format("'{}' failed ({} {}); run it by hand to see why", words.front(),
                            WIFEXITED(status) ? "exit code" : "signal",
                            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
  }
  return text;
}

}  // namespace headrace
