// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <functional>
#include <string_view>
#include <thread>

#include "headrace/base/mutex.h"
#include "headrace/cli/progress.h"

namespace headrace::cli {

// Back to the first column, and clear what stands there: before any other line on a terminal that
// a drawer draws on.
inline constexpr std::string_view kClearLine = "\r\x1b[K";

bool IsTerminal(std::FILE* stream);

// Keeps a progress line up to date on a terminal, on a thread of its own, until it is stopped.
class ProgressDrawer {
 public:
  // `now` is asked on the drawing thread. Lifetime: `terminal` and what `now` uses outlive it.
  ProgressDrawer(std::FILE* terminal, std::function<Progress()> now);
  ~ProgressDrawer() { Stop(); }
  ProgressDrawer(const ProgressDrawer&) = delete;
  ProgressDrawer& operator=(const ProgressDrawer&) = delete;

  // The last line drawn stays where it is: whoever writes next clears it. May be called again.
  void Stop() HR_EXCLUDES(mutex_);

 private:
  void KeepDrawing() HR_EXCLUDES(mutex_);

  std::FILE* const terminal_;
  const std::function<Progress()> now_;
  Mutex mutex_;
  CondVar is_over_changed_;
  bool is_over_ HR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace headrace::cli
