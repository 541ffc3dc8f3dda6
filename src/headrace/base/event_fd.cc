// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/event_fd.h"

#include <sys/eventfd.h>

#include <cerrno>

namespace headrace {

Result<UniqueFd> MakeEventFd() {
  UniqueFd made(eventfd(0, EFD_CLOEXEC));
  if (!made.is_open()) return std::unexpected(Error::FromErrno(errno, "make an eventfd"));
  return made;
}

}  // namespace headrace
