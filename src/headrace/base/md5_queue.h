// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "headrace/base/md5_lanes.h"
#include "headrace/base/task.h"

namespace headrace {

// Brings the MD5 updates of one event loop's tasks together, so that uploads that arrive side by
// side are summed side by side.
// Threads: each loop has its own.
class Md5Queue {
 public:
  // The calling thread's.
  static Md5Queue& OfThisLoop();

  // Suspends until `bytes` are in `md5`; both live until then. Other tasks of the loop get a turn.
  Task<void> Update(StreamMd5& md5, std::span<const std::byte> bytes);

 private:
  void RunAll();

  Md5Batch batch_;
  std::vector<std::move_only_function<void()>> waiting_;  // As many as the batch has updates.
};

}  // namespace headrace
