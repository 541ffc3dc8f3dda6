// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "headrace/base/poll_wait.h"
#include "headrace/base/unique_fd.h"
#include "headrace/job/start_command.h"

namespace headrace::job {
namespace {

using std::chrono::steady_clock;

// The terminal on standard input, where we are its foreground: lent to the command so that it can
// read and hears Ctrl-C and Ctrl-Z itself.
class Terminal {
 public:
  Terminal() : is_ours_(isatty(STDIN_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp()) {}

  bool is_ours() const { return is_ours_; }
  void GiveTo(pid_t group) const {
    if (!is_ours_) return;
    // A background group that changes the foreground gets SIGTTOU, which would stop us.
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    tcsetpgrp(STDIN_FILENO, group);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

 private:
  bool is_ours_;
};

struct ProcessFacts {
  pid_t process = 0;
  pid_t parent = 0;
  pid_t group = 0;
  bool has_ended = false;  // A zombie.
};

std::optional<ProcessFacts> FactsOf(pid_t process) {
  const UniqueFd file(open(fmt::format("/proc/{}/stat", process).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> start{};
  const ssize_t size = file.is_open() ? read(file.get(), start.data(), start.size()) : 0;
  const std::string text(start.data(), size > 0 ? static_cast<size_t>(size) : 0);
  // "PID (NAME) STATE PARENT GROUP ...", where a name may hold anything.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  ProcessFacts facts{.process = process};
  char state = 0;
  if (!(rest >> state >> facts.parent >> facts.group)) return std::nullopt;
  facts.has_ended = state == 'Z' || state == 'X';
  return facts;
}

// All processes that /proc shows; none where it is not of our process namespace.
std::vector<ProcessFacts> ListProcesses() {
  std::vector<ProcessFacts> found;
  std::error_code failure;
  if (std::filesystem::read_symlink("/proc/self", failure) != std::to_string(getpid())) return {};
  for (std::filesystem::directory_iterator entry("/proc", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    pid_t process = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), process).ec != std::errc())
      continue;
    if (const auto facts = FactsOf(process)) found.push_back(*facts);
  }
  return found;
}

bool IsAnyoneLeft(pid_t group) {
  return std::ranges::any_of(ListProcesses(), [group](const ProcessFacts& facts) {
    return facts.group == group && !facts.has_ended;
  });
}

// While it lives, what the command leaves behind becomes a child of ours, in whatever group or
// session it is.
class Orphanage {
 public:
  Orphanage() {
    for (const ProcessFacts& child : Strangers()) known_.push_back(child.process);
    prctl(PR_GET_CHILD_SUBREAPER, &was_reaper_);
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
  }
  ~Orphanage() { prctl(PR_SET_CHILD_SUBREAPER, static_cast<unsigned long>(was_reaper_)); }
  Orphanage(const Orphanage&) = delete;
  Orphanage& operator=(const Orphanage&) = delete;

  // Takes the ends of orphans while the command runs, so that they do not pile up.
  void ReapEnded(pid_t command) const {
    for (const ProcessFacts& child : Strangers()) {
      const bool is_known = std::ranges::find(known_, child.process) != known_.end();
      const bool is_orphan = !is_known && child.process != command;
      if (is_orphan && child.has_ended) waitpid(child.process, nullptr, WNOHANG);
    }
  }

  // The command must have been waited for. Killing a process makes its children ours, so looks
  // until there are none.
  void KillAll() const {
    bool has_killed = true;
    while (has_killed) {
      has_killed = false;
      std::vector<pid_t> killed;
      for (const ProcessFacts& child : Strangers()) {
        const bool is_known = std::ranges::find(known_, child.process) != known_.end();
        if (!is_known && kill(child.process, SIGKILL) == 0) killed.push_back(child.process);
      }
      for (const pid_t process : killed) {
        pid_t ended = 0;
        do {
          ended = waitpid(process, nullptr, 0);
        } while (ended < 0 && errno == EINTR);
        has_killed = has_killed || ended == process;
      }
    }
  }

 private:
  // Our own helpers (credential_process) stay in our group.
  static std::vector<ProcessFacts> Strangers() {
    std::vector<ProcessFacts> found = ListProcesses();
    std::erase_if(found, [](const ProcessFacts& facts) {
      return facts.parent != getpid() || facts.group == getpgrp();
    });
    return found;
  }

  std::vector<pid_t> known_;  // Ours before.
  int was_reaper_ = 0;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Result<Pipe> OpenPipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(Error::FromErrno(errno, "make a pipe to watch the command"));
  }
  return Pipe{.read_end = UniqueFd(ends[0]), .write_end = UniqueFd(ends[1])};
}

// Waits for a process on a thread of its own and says what happens to it through a descriptor that
// poll can watch.
class ProcessWatch {
 public:
  enum class Event : char { kNone, kStopped, kEnded };

  ProcessWatch(pid_t process, Pipe pipe)
      : process_(process), pipe_(std::move(pipe)), thread_([this] { Watch(); }) {}
  // The process must have ended.
  ~ProcessWatch() { thread_.join(); }
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  int fd() const { return pipe_.read_end.get(); }
  Event Take() const {
    Event event = Event::kNone;
    return read(pipe_.read_end.get(), &event, 1) == 1 ? event : Event::kNone;
  }

 private:
  void Watch() const {
    Event event = Event::kNone;
    while (event != Event::kEnded) {
      siginfo_t seen{};
      // The ended process stays unreaped, so that its group keeps its number until we are done.
      if (waitid(P_PID, static_cast<id_t>(process_), &seen, WEXITED | WSTOPPED | WNOWAIT) != 0) {
        if (errno == EINTR) continue;
        event = Event::kEnded;
      } else if (seen.si_code == CLD_STOPPED) {
        waitid(P_PID, static_cast<id_t>(process_), &seen, WSTOPPED | WNOHANG);
        event = Event::kStopped;
      } else {
        event = Event::kEnded;
      }
      [[maybe_unused]] const ssize_t written = write(pipe_.write_end.get(), &event, 1);
    }
  }

  pid_t process_;
  Pipe pipe_;
  std::thread thread_;
};

// Stops us as the command was stopped from the terminal, and when we are continued, the command.
void FollowStop(pid_t group, const Terminal& terminal) {
  if (!terminal.is_ours()) return;
  terminal.GiveTo(getpgrp());
  raise(SIGSTOP);
  terminal.GiveTo(group);
  kill(-group, SIGCONT);
}

// What a running command is asked to do, and when it is made to.
class Attendance {
 public:
  Attendance(pid_t process, const ProcessOptions& options, const Orphanage& orphanage)
      : process_(process), options_(options), orphanage_(orphanage) {
    if (options.max_runtime.count() > 0) {
      stop_at_ = Deadline::After(options.max_runtime, steady_clock::now());
    }
  }

  // Passes signals on until the process has ended.
  ProcessEnd Attend(const ProcessWatch& watch, const Terminal& terminal,
                    const SignalInbox& signals) {
    int stop_fd = options_.stop_fd;
    while (true) {
      std::array<pollfd, 3> polled{pollfd{.fd = watch.fd(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
      const SteadyTime now = steady_clock::now();
      const Deadline look_at = Deadline::After(kBetweenReaping, now);
      const int wait = PollMilliseconds(kill_at_.Earlier(stop_at_).Earlier(look_at), now);
      const int ready = poll(polled.data(), polled.size(), wait);
      if (ready < 0) continue;
      if (ready == 0) orphanage_.ReapEnded(process_);
      if (polled[0].revents != 0) {
        if (watch.Take() == ProcessWatch::Event::kEnded) break;
        FollowStop(process_, terminal);
      }
      if (const int signal = polled[1].revents != 0 ? signals.Take() : 0; signal != 0) {
        Pass(signal);
      }
      if (polled[2].revents != 0) {
        stop_fd = -1;
        Pass(SIGTERM);
      }
      LookAtTime();
    }
    AwaitGroup(signals);
    return end_;
  }

 private:
  static constexpr std::chrono::seconds kBetweenReaping{60};

  // A shell dies of the request to stop at once, while what it runs saves its work: it has the rest
  // of the grace.
  void AwaitGroup(const SignalInbox& signals) {
    constexpr std::chrono::milliseconds kBetweenLooks{50};
    if (end_.stop_signal == 0 || end_.outlived_grace) return;
    while (!kill_at_.HasPassed(steady_clock::now()) && IsAnyoneLeft(process_)) {
      const SteadyTime now = steady_clock::now();
      pollfd polled{.fd = signals.fd(), .events = POLLIN, .revents = 0};
      const Deadline look_at = kill_at_.Earlier(Deadline::After(kBetweenLooks, now));
      if (poll(&polled, 1, PollMilliseconds(look_at, now)) <= 0) continue;
      if (const int signal = signals.Take(); signal != 0) Pass(signal);
    }
  }

  void Pass(int signal) {
    kill(-process_, signal);
    if (!AsksToStop(signal) || end_.stop_signal != 0) return;
    end_.stop_signal = signal;
    stop_at_ = Deadline();
    kill_at_ = Deadline::After(options_.stop_grace, steady_clock::now());
  }

  void LookAtTime() {
    if (stop_at_.HasPassed(steady_clock::now())) {
      end_.is_out_of_time = true;
      Pass(SIGTERM);
    }
    if (kill_at_.HasPassed(steady_clock::now())) {
      end_.outlived_grace = true;
      kill_at_ = Deadline();
      kill(-process_, SIGKILL);
    }
  }

  const pid_t process_;
  const ProcessOptions& options_;
  const Orphanage& orphanage_;
  Deadline stop_at_;
  Deadline kill_at_;
  ProcessEnd end_;
};

}  // namespace

bool AsksToStop(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

std::string SignalText(int signal) {
  // strsignal's text is of one buffer for all threads; this one is constant.
  const char* const text = sigdescr_np(signal);
  return text != nullptr ? std::string(text) : fmt::format("signal {}", signal);
}

std::string ExitText(int exit_code) {
  return fmt::format("the command exited with code {}", exit_code);
}

std::string DescribeEnd(const ProcessEnd& end) {
  if (end.is_out_of_time) {
    return fmt::format("the command ran longer than --max-runtime and was {}",
                       end.outlived_grace ? "killed when it did not stop" : "stopped");
  }
  if (end.outlived_grace) {
    return fmt::format("the command did not end in time after {} and was killed",
                       SignalText(end.stop_signal));
  }
  if (end.signal != 0) {
    return fmt::format("the command was ended by signal {} ({})", end.signal,
                       SignalText(end.signal));
  }
  if (end.exit_code == 0) return "";
  return ExitText(end.exit_code);
}

Result<ProcessEnd> RunProcess(const std::string& program, const std::vector<std::string>& command,
                              const Environment& environment, const SignalInbox& signals,
                              const ProcessOptions& options) {
  const Terminal terminal;
  const Orphanage orphanage;
  HR_TRY_ASSIGN(Pipe pipe, OpenPipe());
  const CommandStart start{.bindings = options.bindings,
                           .kept_fd = options.kept_fd,
                           .takes_terminal = terminal.is_ours(),
                           .on_process = [&options](pid_t process) {
                             if (options.guard == nullptr) return;
                             options.guard->Watch(process, options.stop_grace);
                           }};
  const Result<pid_t> started = StartCommand(program, command, environment, start);
  if (!started) {
    if (options.guard != nullptr) options.guard->Forget();
    terminal.GiveTo(getpgrp());  // It had been given before the program turned out not to run.
    return std::unexpected(started.error());
  }
  const pid_t process = *started;
  ProcessEnd end;
  {
    const ProcessWatch watch(process, std::move(pipe));
    end = Attendance(process, options, orphanage).Attend(watch, terminal, signals);
  }
  kill(-process, SIGKILL);
  int status = 0;
  // Once the command is waited for, its number may be another's.
  if (options.guard != nullptr) options.guard->Forget();
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  orphanage.KillAll();
  terminal.GiveTo(getpgrp());
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
    end.exit_code = kExitSignalBase + end.signal;
  } else {
    end.exit_code = WEXITSTATUS(status);
  }
  if (end.is_out_of_time) end.exit_code = kExitOutOfTime;
  return end;
}

}  // namespace headrace::job
