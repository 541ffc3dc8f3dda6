// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "headrace/base/wait.h"
#include "headrace/fetch/scheduler.h"

namespace headrace::fetch {

struct Hedge;

// A request in flight and all that follow it on the same loop, one after the other. What is here
// belongs to the loop alone.
struct Lane {
  size_t loop_index = 0;
  // The request that is running now.
  const PartJob* job = nullptr;
  SteadyTime begun_at{};
  GetProgress progress;
  std::shared_ptr<Hedge> hedge;
  bool was_hedged = false;

  // Ends the request when its consumer wants that, or when its hedge has won.
  std::stop_source stop;
  // Ties `consumer`'s stop token to ours.
  std::shared_ptr<Consumer> consumer;
  std::optional<std::stop_callback<std::function<void()>>> tie;
  void TieTo(const std::shared_ptr<Consumer>& next);
};

// Ends a request when each of the reads that it brings was given up. Most reads cannot be.
class UnwantedStop {
 public:
  UnwantedStop(const PartJob& job, std::stop_source stop);
  UnwantedStop(const UnwantedStop&) = delete;
  UnwantedStop& operator=(const UnwantedStop&) = delete;

  bool has_stopped() const { return wanted_count_ == 0; }

 private:
  void TieTo(const ReadState& read);

  std::atomic<size_t> wanted_count_;
  std::stop_source stop_;
  std::list<std::stop_callback<std::function<void()>>> ties_;  // Last: they use what stands above.
};

// The second request for a part whose first is late.
struct Hedge {
  Lane* lane = nullptr;     // Null once the first request has ended.
  bool is_awaited = false;  // The first request has failed: the lane waits for this one.
  GetRequest request;
  PartBytes bytes;
  CallContext context;  // Its own stop token: either may end the other.
  std::stop_source stop;
  std::shared_ptr<ReadState> read;  // Does not end before the hedge has.
  std::optional<Result<GetResult>> outcome;
  OneShotEvent ended;
};

struct Scheduler::LoopLanes {
  std::vector<Lane*> active;
  bool is_ticking = false;
};

}  // namespace headrace::fetch
