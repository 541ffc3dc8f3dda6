// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "headrace/base/task.h"

namespace headrace {

// A fixed set of event-loop threads. What a task touches on its loop (sockets, connection pools)
// belongs to that loop alone and needs no lock. SIGPIPE is blocked there: a lost peer is EPIPE.
//
// Threads: all methods may be called from any thread. Destruction must not happen on a loop: it
// stops the loops, joins their threads and destroys what was still suspended on them.
class EventLoops {
 public:
  explicit EventLoops(size_t thread_count);
  ~EventLoops();
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  size_t count() const { return loops_.size(); }
  Executor At(size_t index) const;
  // The next loop in turn: spreads work evenly.
  Executor Next();

 private:
  struct Loop;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<size_t> next_ = 0;
};

}  // namespace headrace
