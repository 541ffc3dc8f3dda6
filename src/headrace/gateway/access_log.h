// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/unique_fd.h"

namespace headrace::gateway {

// Lines of text to a file, written by a thread of its own so that a slow disk never holds an event
// loop up. What does not fit in the queue is dropped and counted.
// Threads: all methods may be called from any thread. Destruction writes what is queued.
class AccessLog {
 public:
  // 4 MiB: some 10,000 lines, a second of a disk that hangs under full load.
  static constexpr size_t kQueueBytesMax = 4U << 20U;

  // Appends to the file at `path`, made if need be; "-": standard output.
  static Result<std::unique_ptr<AccessLog>> Open(std::string path,
                                                 size_t queue_bytes_max = kQueueBytesMax);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // `lines` ends in a line end. Never blocks.
  void Write(std::string_view lines) HR_EXCLUDES(mutex_);
  // After the file was moved away: goes on in a new one at the same path. The old one stays in use
  // when that fails.
  Status Reopen() HR_EXCLUDES(mutex_);
  uint64_t dropped_lines() const { return dropped_lines_.load(std::memory_order_relaxed); }

 private:
  using File = std::shared_ptr<const UniqueFd>;
  AccessLog(std::string path, File file, size_t queue_bytes_max);
  static Result<File> OpenFile(const std::string& path);
  void Run() HR_EXCLUDES(mutex_);
  void WriteOut(int file, std::string_view lines);

  const std::string path_;
  const size_t queue_bytes_max_;
  std::atomic<uint64_t> dropped_lines_ = 0;

  Mutex mutex_;
  CondVar changed_;
  File file_ HR_GUARDED_BY(mutex_);
  std::string queue_ HR_GUARDED_BY(mutex_);
  bool is_ending_ HR_GUARDED_BY(mutex_) = false;
  bool has_failed_ = false;  // The writing thread's: one warning for a row of failures.
  std::thread thread_;
};

}  // namespace headrace::gateway
