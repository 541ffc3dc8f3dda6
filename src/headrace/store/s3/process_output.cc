// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/process_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "headrace/base/unique_fd.h"

namespace headrace::s3 {
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

// A program's full name along PATH, as execvp would find it.
Result<std::string> FindProgram(const std::string& name, const Environment& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = environment.Get("PATH");
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    if (folder.empty()) continue;
    std::string candidate = fmt::format("{}/{}", folder, name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Fail(ErrorCode::kPermissionDenied,
              fmt::format("credential_process: there is no program '{}' along PATH", name));
}

Result<pid_t> Start(const std::string& program, const std::vector<std::string>& words,
                    const Environment& environment, int output) {
  std::vector<std::string> argument_texts = words;
  std::vector<std::string> environment_texts = Assignments(environment);
  const std::vector<char*> arguments = Pointers(argument_texts);
  const std::vector<char*> variables = Pointers(environment_texts);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
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
              Error::FromErrno(os_error, "credential_process: start " + program).message());
}

// Reads until the program closes its output.
Result<std::string> ReadUntilClosed(int input, std::chrono::steady_clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd watched{.fd = input, .events = POLLIN, .revents = 0};
    const int ready = left.count() > 0 ? poll(&watched, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Fail(ErrorCode::kTimedOut, "credential_process: it did not end in time");
    const ssize_t got = ready < 0 ? -1 : read(input, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Error::FromErrno(errno, "credential_process: read"));
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > kOutputBytesMax) {
      return Fail(ErrorCode::kCorrupt, "credential_process: it prints more than 1 MiB");
    }
  }
}

}  // namespace

Result<std::string> ProcessOutput(const std::vector<std::string>& words,
                                  const Environment& environment,
                                  std::chrono::milliseconds time_max) {
  HR_TRY_ASSIGN(const std::string program, FindProgram(words.front(), environment));
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(Error::FromErrno(errno, "credential_process: pipe"));
  }
  const UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  HR_TRY_ASSIGN(const pid_t pid, Start(program, words, environment, output.get()));
  output.Close();
  auto text = ReadUntilClosed(input.get(), std::chrono::steady_clock::now() + time_max);
  if (!text) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (text && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
    return Fail(ErrorCode::kPermissionDenied,
                fmt::format("credential_process: '{}' failed ({} {}); run it by hand to see why",
                            words.front(), WIFEXITED(status) ? "exit code" : "signal",
                            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
  }
  return text;
}

}  // namespace headrace::s3
