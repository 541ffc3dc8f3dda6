// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/line_printer.h"

#include <chrono>
#include <utility>

#include "headrace/cli/print.h"

namespace headrace::cli {

void LinePrinter::Add(std::FILE* stream, std::string text) {
  {
    const MutexLock lock(mutex_);
    lines_.push_back({.stream = stream, .text = std::move(text)});
    if (!thread_.joinable()) thread_ = std::thread([this] { Print(); });
  }
  changed_.NotifyAll();
}

void LinePrinter::AwaitRoom(const std::stop_token& stop) {
  // A stop wakes nobody here: it is looked for this often.
  constexpr std::chrono::milliseconds kLookInterval{100};
  const MutexLock lock(mutex_);
  while (lines_.size() >= kLinesMax && !stop.stop_requested()) {
    changed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kLookInterval);
  }
}

void LinePrinter::Finish() {
  std::thread ending;
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
    ending = std::move(thread_);
  }
  changed_.NotifyAll();
  if (ending.joinable()) ending.join();
  const MutexLock lock(mutex_);
  is_ending_ = false;
}

void LinePrinter::Print() {
  while (true) {
    std::deque<Line> batch;
    {
      const MutexLock lock(mutex_);
      while (lines_.empty() && !is_ending_) changed_.Wait(mutex_);
      if (lines_.empty()) return;
      batch.swap(lines_);
    }
    for (const Line& line : batch) PrintLine(line.stream, line.text);
    changed_.NotifyAll();
  }
}

}  // namespace headrace::cli
