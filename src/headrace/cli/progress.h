// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace headrace::cli {

// How far a transfer is.
struct Progress {
  uint64_t bytes_done = 0;
  uint64_t bytes_found = 0;  // Of the items found so far.
  uint64_t items_done = 0;
  uint64_t items_failed = 0;
  uint64_t items_found = 0;
  bool is_all_found = false;  // The listing has ended: what was found is the total.
  std::chrono::nanoseconds elapsed{};
};

// What a Progress is counted in. Threads: all members may be used at once from any thread.
struct ProgressCounts {
  std::atomic<uint64_t> bytes_done = 0;
  std::atomic<uint64_t> bytes_found = 0;
  std::atomic<uint64_t> items_done = 0;
  std::atomic<uint64_t> items_failed = 0;
  std::atomic<uint64_t> items_found = 0;
  std::atomic<bool> is_all_found = false;

  Progress At(std::chrono::nanoseconds elapsed) const {
    return {.bytes_done = bytes_done,
            .bytes_found = bytes_found,
            .items_done = items_done,
            .items_failed = items_failed,
            .items_found = items_found,
            .is_all_found = is_all_found,
            .elapsed = elapsed};
  }
};

// One line of at most `width` columns: bytes, files, rate, time left, and a bar where there is room
// and the total is known. Time left is known with the total alone. Pure.
std::string ProgressLine(const Progress& progress, size_t width);

}  // namespace headrace::cli
