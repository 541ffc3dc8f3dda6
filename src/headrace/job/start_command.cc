// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/start_command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "headrace/base/unique_fd.h"
#include "headrace/job/fork_blocked.h"
#include "headrace/job/inherited_files.h"

namespace headrace::job {
namespace {

constexpr int kKeptFd = STDERR_FILENO + 1;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

std::unexpected<Error> FailureOf(int os_error, const std::string& attempt) {
  return std::unexpected(Error::FromErrno(os_error, attempt));
}

// Both ends above the descriptors that the command gets.
Result<Pipe> OpenPipe(const std::string& attempt) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return FailureOf(errno, attempt);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  Pipe pipe{.read_end = UniqueFd(fcntl(ends[0], F_DUPFD_CLOEXEC, kKeptFd + 1)),
            .write_end = UniqueFd(fcntl(ends[1], F_DUPFD_CLOEXEC, kKeptFd + 1))};
  if (!pipe.read_end.is_open() || !pipe.write_end.is_open()) return FailureOf(errno, attempt);
  return pipe;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What the forked process needs, made before: it may call async-signal-safe functions alone.
struct Plan {
  const char* program;
  char* const* command;
  char* const* variables;
  int kept_fd;
  bool takes_terminal;
  int gate;         // A byte comes through it once we know of the process.
  int gate_writer;  // Ours.
  int failure;      // An errno goes through it; its end is success.
};

// Handlers are ours and post to what we share; ignored signals stay ignored but for SIGPIPE, which
// sockets need ignored here and of which a command expects to die.
void DropHandlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action{};
    if (sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_IGN && signal != SIGPIPE) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
}

// All signals are blocked.
[[noreturn]] void BecomeCommand(const Plan& plan) {
  setpgid(0, 0);
  close(plan.gate_writer);
  char byte = 0;
  if (read(plan.gate, &byte, 1) != 1) _exit(0);
  if (plan.takes_terminal) tcsetpgrp(STDIN_FILENO, getpid());
  int first_closed = kKeptFd;
  if (plan.kept_fd == kKeptFd) {
    fcntl(kKeptFd, F_SETFD, 0);
    ++first_closed;
  } else if (plan.kept_fd >= 0) {
    dup2(plan.kept_fd, kKeptFd);
    ++first_closed;
  }
  CloseFilesOnExecFrom(first_closed);
  DropHandlers();
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  execve(plan.program, plan.command, plan.variables);
  const int failure = errno;
  [[maybe_unused]] const ssize_t written = write(plan.failure, &failure, sizeof(failure));
  _exit(0);
}

// Until the program runs: 0; or the errno why it does not.
int AwaitProgram(const UniqueFd& failure) {
  int os_error = 0;
  ssize_t size = 0;
  do {
    size = read(failure.get(), &os_error, sizeof(os_error));
  } while (size < 0 && errno == EINTR);
  return size == ssize_t{sizeof(os_error)} ? os_error : 0;
}

Result<pid_t> Start(const std::string& program, std::vector<std::string> command,
                    const Environment& environment, const CommandStart& start) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment.variables()) {
    variables.push_back(name + "=" + value);
  }
  const std::vector<char*> command_pointers = Pointers(command);
  const std::vector<char*> variable_pointers = Pointers(variables);
  const std::string attempt = "start " + program;
  HR_TRY_ASSIGN(Pipe gate, OpenPipe(attempt));
  HR_TRY_ASSIGN(Pipe failure, OpenPipe(attempt));
  const Plan plan{.program = program.c_str(),
                  .command = command_pointers.data(),
                  .variables = variable_pointers.data(),
                  .kept_fd = start.kept_fd,
                  .takes_terminal = start.takes_terminal,
                  .gate = gate.read_end.get(),
                  .gate_writer = gate.write_end.get(),
                  .failure = failure.write_end.get()};
  const pid_t process = ForkBlocked();
  if (process == 0) BecomeCommand(plan);
  if (process < 0) return FailureOf(errno, attempt);
  // The child does it too: by whoever comes first it has its group before anybody hears of it.
  setpgid(process, process);
  start.on_process(process);
  failure.write_end.Close();
  [[maybe_unused]] const ssize_t written = write(gate.write_end.get(), "", 1);
  const int os_error = AwaitProgram(failure.read_end);
  if (os_error == 0) return process;
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) continue;
  // The file was there (FindProgram): what is missing is the interpreter it names.
  const std::string reason =
      os_error == ENOENT ? "its interpreter is missing" : std::generic_category().message(os_error);
  return Fail(ErrorCode::kPermissionDenied, fmt::format("cannot execute {}: {}", program, reason));
}

}  // namespace

Result<pid_t> StartCommand(const std::string& program, const std::vector<std::string>& command,
                           const Environment& environment, const CommandStart& start) {
  if (start.bindings.empty()) return Start(program, command, environment, start);
  // On a thread that has the bindings and ends.
  Result<pid_t> started = 0;
  std::thread([&] {
    const Status bound = BindInThisThread(start.bindings);
    started = bound ? Start(program, command, environment, start)
                    : Result<pid_t>(std::unexpected(bound.error()));
  }).join();
  return started;
}

}  // namespace headrace::job
