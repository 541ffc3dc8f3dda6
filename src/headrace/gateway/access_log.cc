// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "headrace/base/log.h"

namespace headrace::gateway {
namespace {

// Like other logs of a server: the group may read, nobody else.
constexpr mode_t kFileMode = 0640;

uint64_t LineCount(std::string_view lines) {
  return static_cast<uint64_t>(std::ranges::count(lines, '\n'));
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::Open(std::string path, size_t queue_bytes_max) {
  HR_TRY_ASSIGN(File file, OpenFile(path));
  return std::unique_ptr<AccessLog>(
      new AccessLog(std::move(path), std::move(file), queue_bytes_max));
}

Result<AccessLog::File> AccessLog::OpenFile(const std::string& path) {
  // Of a pipe that nobody reads, opening would wait for ever: it is an error (ENXIO).
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
  const int descriptor = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                     : ::open(path.c_str(), kFlags, kFileMode);
  if (descriptor < 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("open the access log {}", path)));
  }
  if (path != "-") ::fcntl(descriptor, F_SETFL, kFlags & ~O_NONBLOCK);
  return std::make_shared<const UniqueFd>(descriptor);
}

AccessLog::AccessLog(std::string path, File file, size_t queue_bytes_max)
    : path_(std::move(path)),
      queue_bytes_max_(queue_bytes_max),
      file_(std::move(file)),
      thread_([this] { Run(); }) {}

AccessLog::~AccessLog() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
  }
  changed_.NotifyOne();
  thread_.join();
}

void AccessLog::Write(std::string_view lines) {
  bool was_empty = false;
  {
    const MutexLock lock(mutex_);
    if (queue_.size() + lines.size() > queue_bytes_max_) {
      dropped_lines_.fetch_add(LineCount(lines), std::memory_order_relaxed);
      return;
    }
    was_empty = queue_.empty();
    queue_ += lines;
  }
  // The thread takes the whole queue at once: it sleeps only while there is none.
  if (was_empty) changed_.NotifyOne();
}

Status AccessLog::Reopen() {
  HR_TRY_ASSIGN(File file, OpenFile(path_));
  const MutexLock lock(mutex_);
  // The old one closes here, or when the thread has written what it has in hand.
  file_.swap(file);
  return Ok();
}

void AccessLog::Run() {
  std::string taken;
  while (true) {
    taken.clear();
    File file;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !is_ending_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      taken.swap(queue_);
      file = file_;
    }
    WriteOut(file->get(), taken);
  }
}

void AccessLog::WriteOut(int file, std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t count = ::write(file, lines.data(), lines.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error error = Error::FromErrno(errno, "write the access log " + path_);
      dropped_lines_.fetch_add(LineCount(lines), std::memory_order_relaxed);
      if (!has_failed_) Log(LogLevel::kWarning, "{}", error.message());
      has_failed_ = true;
      return;
    }
    lines.remove_prefix(static_cast<size_t>(count));
  }
  has_failed_ = false;
}

}  // namespace headrace::gateway
