// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/inherited_files.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace headrace::job {
namespace {

constexpr unsigned kLast = std::numeric_limits<unsigned>::max();

// One past the highest descriptor that may be open. The limit may be "none": then as many as Linux
// allows where nobody raised fs.nr_open.
int FilesEnd() {
  constexpr rlim_t kUsualMax = 1 << 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUsualMax;
  return static_cast<int>(std::min(limit.rlim_cur, kUsualMax));
}

}  // namespace

void CloseFilesFrom(int first_fd) {
  if (close_range(static_cast<unsigned>(first_fd), kLast, 0) == 0) return;
  for (int fd = first_fd, end = FilesEnd(); fd < end; ++fd) close(fd);
}

void CloseFilesOnExecFrom(int first_fd) {
  if (close_range(static_cast<unsigned>(first_fd), kLast, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = first_fd, end = FilesEnd(); fd < end; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace headrace::job
