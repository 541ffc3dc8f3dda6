// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/progress_drawer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace headrace::cli {
namespace {

// Often enough to look alive, seldom enough to cost nothing.
constexpr std::chrono::milliseconds kDrawInterval{200};
constexpr size_t kWidthUnknown = 80;

size_t WidthOf(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidthUnknown;
  return size.ws_col;
}

}  // namespace

bool IsTerminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

ProgressDrawer::ProgressDrawer(std::FILE* terminal, std::function<Progress()> now)
    : terminal_(terminal), now_(std::move(now)), thread_([this] { KeepDrawing(); }) {}

void ProgressDrawer::KeepDrawing() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      // A real wait on a real terminal, whatever clock the transfer is measured with.
      const auto next = std::chrono::steady_clock::now() + kDrawInterval;
      while (!is_over_ && is_over_changed_.WaitUntil(mutex_, next)) {
      }
      if (is_over_) return;
    }
    const std::string line =
        fmt::format("{}{}", kClearLine, ProgressLine(now_(), WidthOf(terminal_) - 1));
    std::fwrite(line.data(), 1, line.size(), terminal_);
    std::fflush(terminal_);
  }
}

void ProgressDrawer::Stop() {
  {
    const MutexLock lock(mutex_);
    is_over_ = true;
  }
  is_over_changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

}  // namespace headrace::cli
