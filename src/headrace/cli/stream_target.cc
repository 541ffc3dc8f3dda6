// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/stream_target.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

namespace headrace::cli {
namespace {

// How often a pipe nobody reads yet is tried, and a stop is looked for while a reader is slow: no
// call waits for either of two things here, and a person does not notice a twentieth of a second.
constexpr int kLookMilliseconds = 50;

Status GoesOn(const std::string& path, const CallContext& context) {
  if (context.stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, fmt::format("write {}: interrupted", path));
  }
  if (context.deadline.HasPassed(std::chrono::steady_clock::now())) {
    return Fail(ErrorCode::kTimedOut, fmt::format("write {}: its reader is too slow", path));
  }
  return Ok();
}

}  // namespace

bool IsStreamTarget(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return false;
  if (!S_ISREG(status.st_mode)) return true;
  // Standard output redirected to a file: the link in /dev must not become a file.
  struct stat link{};
  const bool is_link = lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
  return is_link && (path.starts_with("/dev/") || path.starts_with("/proc/"));
}

Result<StreamTarget> StreamTarget::Open(const std::string& path, const CallContext& context) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("open {}", path)));
  }
  if (S_ISSOCK(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a socket: it can be no target", path));
  }
  // At the end of what others have written to standard output; a block device has no end to add to.
  const int append = S_ISREG(status.st_mode) ? O_APPEND : 0;
  const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | append;
  while (true) {
    HR_TRY(GoesOn(path, context));
    UniqueFd fd(open(path.c_str(), flags));
    if (fd.is_open()) return StreamTarget(std::move(fd), path);
    if (errno == EINTR) continue;
    // Of a pipe: nobody has opened the other end.
    if (errno != ENXIO || !S_ISFIFO(status.st_mode)) {
      return std::unexpected(Error::FromErrno(errno, fmt::format("open {}", path)));
    }
    (void)poll(nullptr, 0, kLookMilliseconds);
  }
}

Status StreamTarget::Write(std::span<const std::byte> bytes, const CallContext& context) {
  while (!bytes.empty()) {
    HR_TRY(GoesOn(path_, context));
    const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
    if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
    if (written >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) {
      return std::unexpected(Error::FromErrno(errno, fmt::format("write {}", path_)));
    }
    pollfd watched{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    (void)poll(&watched, 1, kLookMilliseconds);
  }
  return Ok();
}

}  // namespace headrace::cli
