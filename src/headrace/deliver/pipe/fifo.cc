// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace::pipe {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> FailureOf(int os_error, const std::string& attempt) {
  return std::unexpected(Error::FromErrno(os_error, attempt));
}

// The write end of a FIFO that has no reader: opening that alone, without blocking, is refused.
Result<UniqueFd> OpenWriteEnd(const std::string& path) {
  const UniqueFd both_ends(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!both_ends.is_open()) return FailureOf(errno, "open " + path);
  UniqueFd write_end(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!write_end.is_open()) return FailureOf(errno, "open " + path);
  return write_end;
}

std::unexpected<Error> InTheWay(const std::string& path) {
  return Fail(ErrorCode::kAlreadyExists,
              fmt::format("{} is in the way of an epoch's pipe; remove it or choose another base "
                          "directory",
                          path));
}

Status Rename(const std::string& unready, const std::string& path) {
  if (renameat2(AT_FDCWD, unready.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
    return Ok();
  }
  if (errno == EEXIST) return InTheWay(path);
  // Some file systems, NFS among them, can only replace.
  if (errno == EINVAL && rename(unready.c_str(), path.c_str()) == 0) return Ok();
  return FailureOf(errno, "make " + path);
}

Result<int> WatchAndName(const std::string& unready, const std::string& path, ReaderWatch& watch) {
  HR_TRY_ASSIGN(const int number, watch.Add(unready));
  HR_TRY(Rename(unready, path));
  return number;
}

bool IsNameOf(const std::string& path, const UniqueFd& file) {
  struct stat named{};
  struct stat opened{};
  return lstat(path.c_str(), &named) == 0 && fstat(file.get(), &opened) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

// What is left of `pieces` after so many bytes of them.
std::span<iovec> Behind(std::span<iovec> pieces, size_t size_bytes) {
  while (!pieces.empty() && size_bytes >= pieces.front().iov_len) {
    size_bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    iovec& first = pieces.front();
    first.iov_base = static_cast<std::byte*>(first.iov_base) + size_bytes;
    first.iov_len -= size_bytes;
  }
  return pieces;
}

bool IsNameOfEpoch(std::string_view name, std::string_view channel) {
  if (!name.starts_with(channel)) return false;
  name.remove_prefix(channel.size());
  if (name.size() < 2 || name.front() != '_') return false;
  return std::ranges::all_of(name.substr(1), IsDigit);
}

}  // namespace

Result<Fifo> Fifo::Make(const std::string& folder, const std::string& name, ReaderWatch& watch) {
  const std::string unready = fmt::format("{}/.{}{}", folder, name, kUnreadySuffix);
  const std::string path = fmt::format("{}/{}", folder, name);
  unlink(unready.c_str());
  constexpr mode_t kReadableByAll = 0644;
  if (mkfifo(unready.c_str(), kReadableByAll) != 0) return FailureOf(errno, "make " + path);
  Result<UniqueFd> write_end = OpenWriteEnd(unready);
  Result<int> number = write_end ? WatchAndName(unready, path, watch)
                                 : Result<int>(std::unexpected(write_end.error()));
  if (!number) {
    unlink(unready.c_str());
    return std::unexpected(std::move(number).error());
  }
  return Fifo(path, *std::move(write_end), *number);
}

Fifo::~Fifo() {
  if (!write_end_.is_open()) return;
  // The name goes first: who opens it between the two would wait for a writer for ever.
  if (IsNameOf(path_, write_end_)) unlink(path_.c_str());
  write_end_.Close();
}

bool Fifo::has_reader() const {
  pollfd polled{.fd = write_end_.get(), .events = 0, .revents = 0};
  return poll(&polled, 1, 0) == 0;
}

uint64_t Fifo::unread_bytes() const {
  int size_bytes = 0;
  if (ioctl(write_end_.get(), FIONREAD, &size_bytes) != 0) return 0;
  return static_cast<uint64_t>(size_bytes);
}

void Fifo::Grow(size_t size_bytes) {
  fcntl(write_end_.get(), F_SETPIPE_SZ, static_cast<int>(size_bytes));
}

Result<Fifo::Outcome> Fifo::Write(std::span<const iovec> pieces, const FifoWait& wait,
                                  uint64_t& written_bytes, std::chrono::nanoseconds& waited) {
  std::array<iovec, 4> copy{};
  HR_CHECK(pieces.size() <= copy.size());
  std::ranges::copy(pieces, copy.begin());
  std::span<iovec> left = Behind(std::span(copy).first(pieces.size()), 0);
  while (!left.empty()) {
    const ssize_t size = writev(write_end_.get(), left.data(), static_cast<int>(left.size()));
    if (size >= 0) {
      written_bytes += static_cast<uint64_t>(size);
      left = Behind(left, static_cast<size_t>(size));
      continue;
    }
    if (errno == EPIPE) return Outcome::kReaderGone;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return FailureOf(errno, "write to " + path_);
    std::array<pollfd, 3> polled{pollfd{.fd = write_end_.get(), .events = POLLOUT, .revents = 0},
                                 pollfd{.fd = wait.stop_fd, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = wait.watch_fd, .events = POLLIN, .revents = 0}};
    const SteadyTime begin = wait.clock->Now();
    poll(polled.data(), polled.size(), -1);
    waited += wait.clock->Now() - begin;
    if (polled[1].revents != 0) return Outcome::kStopped;
    if (polled[2].revents != 0) wait.on_opened();
  }
  return Outcome::kWritten;
}

Status RemoveStaleFifos(const std::string& folder, const std::string& channel) {
  const std::string unready_start = fmt::format(".{}_", channel);
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    const bool is_unready = name.starts_with(unready_start) && name.ends_with(kUnreadySuffix);
    if (!is_unready && !IsNameOfEpoch(name, channel)) continue;
    std::error_code unknown;
    if (entry->symlink_status(unknown).type() != fs::file_type::fifo) {
      return InTheWay(entry->path().native());
    }
    fs::remove(entry->path(), unknown);
  }
  if (failure) return FailureOf(failure.value(), "read " + folder);
  return Ok();
}

}  // namespace headrace::pipe
