// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/reader_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace headrace::pipe {

Result<ReaderWatch> ReaderWatch::Make() {
  UniqueFd made(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (made.is_open()) return ReaderWatch(std::move(made));
  return std::unexpected(Error::FromErrno(
      errno,
      "watch for readers of a pipe (sysctl fs.inotify.max_user_instances limits how many "
      "do)"));
}

Result<int> ReaderWatch::Add(const std::string& path) {
  const int number = inotify_add_watch(inotify_.get(), path.c_str(), IN_OPEN);
  if (number >= 0) return number;
  return std::unexpected(Error::FromErrno(errno, "watch for readers of " + path));
}

std::vector<int> ReaderWatch::TakeOpened() {
  std::vector<int> opened;
  // Events of a watched file that is no folder carry no name.
  alignas(inotify_event) std::array<std::byte, 64 * sizeof(inotify_event)> events;
  while (true) {
    const ssize_t size = read(inotify_.get(), events.data(), events.size());
    if (size <= 0) return opened;
    for (size_t at = 0; at + sizeof(inotify_event) <= static_cast<size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, events.data() + at, sizeof(event));
      if ((event.mask & IN_OPEN) != 0) opened.push_back(event.wd);
      if ((event.mask & IN_Q_OVERFLOW) != 0) opened.push_back(kMissed);
      at += sizeof(event) + event.len;
    }
  }
}

}  // namespace headrace::pipe
