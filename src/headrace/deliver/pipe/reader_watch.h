// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace::pipe {

// Hears of every open(2) of the files it watches, also of those that are closed again at once.
// Threads: one at a time.
class ReaderWatch {
 public:
  static Result<ReaderWatch> Make();

  // Watches a file until it is gone, under whatever name; opens from now on are heard of. The
  // number that stands for it.
  Result<int> Add(const std::string& path);
  // Stands for opens that the kernel kept no place for: of which files, nobody knows.
  static constexpr int kMissed = -1;

  // The numbers of the files opened since the last call, each open once. Never blocks.
  std::vector<int> TakeOpened();
  // Readable while there is something to take; for poll(2).
  int fd() const { return inotify_.get(); }

 private:
  explicit ReaderWatch(UniqueFd inotify) : inotify_(std::move(inotify)) {}

  UniqueFd inotify_;
};

}  // namespace headrace::pipe
