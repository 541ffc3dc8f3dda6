// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/run_progress.h"

#include <cstdio>

#include <fmt/format.h>

#include "headrace/plan/key_path.h"

namespace headrace::cli {

void RunProgress::Say(std::string_view line) {
  const std::string text =
      fmt::format("{}headrace run: {}\n", drawer_ ? kClearLine : "", plan::ShownKey(line));
  std::fwrite(text.data(), 1, text.size(), world_.err);
  std::fflush(world_.err);
}

void RunProgress::OnBegin(uint64_t objects, uint64_t bytes) {
  counts_.items_found = objects;
  counts_.bytes_found = bytes;
  counts_.items_done = counts_.items_failed = counts_.bytes_done = 0;
  counts_.is_all_found = true;
  begin_ = world_.clock->Now();
  if (objects > 0 && IsTerminal(world_.err)) {
    drawer_.emplace(world_.err, [this] { return counts_.At(world_.clock->Now() - begin_); });
  }
}

void RunProgress::OnEnd() {
  if (!drawer_) return;
  drawer_.reset();
  std::fwrite(kClearLine.data(), 1, kClearLine.size(), world_.err);
  std::fflush(world_.err);
}

}  // namespace headrace::cli
