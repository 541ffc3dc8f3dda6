// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"
#include "headrace/store/object_store.h"

namespace headrace::cli {

// True when `path` names something that bytes are written into and that no file may take the place
// of: a device, a pipe, a socket, or one of this process's own descriptors (/dev/stdout, /dev/fd/3,
// /proc/self/fd/3), whatever they lead to.
bool IsStreamTarget(const std::string& path);

// A device or pipe being written. Threads: one.
class StreamTarget {
 public:
  // A named pipe is waited for until somebody reads it. kInvalidArgument for a socket; kCancelled
  // as soon as a stop is requested, kTimedOut at the deadline.
  static Result<StreamTarget> Open(const std::string& path, const CallContext& context);

  // Blocks until all is written; kCancelled and kTimedOut as with Open.
  Status Write(std::span<const std::byte> bytes, const CallContext& context);

 private:
  StreamTarget(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;  // Does not block.
  std::string path_;
};

}  // namespace headrace::cli
