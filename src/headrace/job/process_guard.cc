// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/process_guard.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "headrace/job/fork_blocked.h"
#include "headrace/job/inherited_files.h"

namespace headrace::job {
namespace {

struct Order {
  pid_t group = 0;  // 0: none.
  int64_t grace_ms = 0;
};

// From here to Guard: between fork and _exit of a process with threads, so async-signal-safe calls
// alone.

int64_t NowMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void EndGroup(const Order& order) {
  constexpr int kBetweenLooksMs = 50;
  const int64_t begin_ms = NowMilliseconds();
  kill(-order.group, SIGTERM);
  kill(-order.group, SIGCONT);  // A stopped process does not hear the first.
  while (kill(-order.group, 0) == 0) {
    if (NowMilliseconds() - begin_ms >= order.grace_ms) {
      kill(-order.group, SIGKILL);
      return;
    }
    poll(nullptr, 0, kBetweenLooksMs);
  }
}

[[noreturn]] void Guard(int orders) {
  prctl(PR_SET_NAME, "headrace-guard");
  setpgid(0, 0);
  [[maybe_unused]] const int moved = chdir("/");
  constexpr int kOrders = 0;
  dup2(orders, kOrders);
  CloseFilesFrom(kOrders + 1);
  Order order;
  Order next;
  while (true) {
    const ssize_t size = recv(kOrders, &next, sizeof(next), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size != ssize_t{sizeof(next)}) break;
    order = next;
  }
  if (order.group != 0) EndGroup(order);
  _exit(0);
}

void Send(const UniqueFd& orders, const Order& order) {
  // A guard that somebody killed is missed by nobody but a later kill of ours.
  [[maybe_unused]] const ssize_t sent =
      send(orders.get(), &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Result<ProcessGuard> ProcessGuard::Make() {
  const std::string attempt = "start the process that ends the command when this one is killed";
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return std::unexpected(Error::FromErrno(errno, attempt));
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const pid_t process = ForkBlocked();
  if (process == 0) Guard(theirs.get());
  if (process < 0) return std::unexpected(Error::FromErrno(errno, attempt));
  setpgid(process, process);  // Whoever is first; who looks for the command's processes sees it so.
  return ProcessGuard(process, std::move(ours));
}

ProcessGuard::~ProcessGuard() {
  if (!orders_.is_open()) return;
  Forget();
  orders_.Close();
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void ProcessGuard::Watch(pid_t group, std::chrono::milliseconds grace) const {
  Send(orders_, {.group = group, .grace_ms = grace.count()});
}

void ProcessGuard::Forget() const { Send(orders_, Order()); }

}  // namespace headrace::job
