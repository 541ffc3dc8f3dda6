// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <chrono>

#include "headrace/base/clock.h"

namespace headrace::file {

// When the file was last written to.
inline SystemTime ModifiedOf(const struct stat& status) {
  return SystemTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

}  // namespace headrace::file
