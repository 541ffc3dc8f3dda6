// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <stop_token>
#include <string>
#include <thread>

#include "headrace/base/mutex.h"

namespace headrace::cli {

// Writes lines on a thread of its own, in the order they came: a reader that is slow (a pager, a
// terminal) holds up no event loop. Lines come from items on their way, whose number AwaitRoom
// bounds: whoever begins items waits there.
// Threads: Add and AwaitRoom from any thread, AwaitRoom from no event loop; Finish from the
// owner's.
class LinePrinter {
 public:
  LinePrinter() = default;
  ~LinePrinter() { Finish(); }
  LinePrinter(const LinePrinter&) = delete;
  LinePrinter& operator=(const LinePrinter&) = delete;

  // Never blocks. `text` without its line end; the stream outlives the printer.
  void Add(std::FILE* stream, std::string text) HR_EXCLUDES(mutex_);
  // Waits while many lines are unwritten, or until a stop is requested.
  void AwaitRoom(const std::stop_token& stop) HR_EXCLUDES(mutex_);
  // Writes what is left and ends the thread; a later Add begins anew.
  void Finish() HR_EXCLUDES(mutex_);

 private:
  struct Line {
    std::FILE* stream;
    std::string text;
  };

  void Print() HR_EXCLUDES(mutex_);

  // Some hundred KiB of text.
  static constexpr size_t kLinesMax = 4096;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Line> lines_ HR_GUARDED_BY(mutex_);
  bool is_ending_ HR_GUARDED_BY(mutex_) = false;
  std::thread thread_ HR_GUARDED_BY(mutex_);  // Made for the first line.
};

}  // namespace headrace::cli
