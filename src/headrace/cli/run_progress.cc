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
  items_found_ = objects;
  bytes_found_ = bytes;
  items_done_ = items_failed_ = bytes_done_ = 0;
  begin_ = world_.clock->Now();
  if (objects > 0 && IsTerminal(world_.err)) {
    drawer_.emplace(world_.err, [this] { return Now(); });
  }
}

void RunProgress::OnEnd() {
  if (!drawer_) return;
  drawer_.reset();
  std::fwrite(kClearLine.data(), 1, kClearLine.size(), world_.err);
  std::fflush(world_.err);
}

Progress RunProgress::Now() const {
  return {.bytes_done = bytes_done_,
          .bytes_found = bytes_found_,
          .items_done = items_done_,
          .items_failed = items_failed_,
          .items_found = items_found_,
          .is_all_found = true,
          .elapsed = world_.clock->Now() - begin_};
}

}  // namespace headrace::cli
