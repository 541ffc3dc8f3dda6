// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/plan/listing.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

// Lists a prefix as a row of key ranges. Each range is listed page by page by one task; a task
// whose page is not the last cuts the rest of its range in two while requests may still be added,
// and a new task lists the far part. Pages are handed out in key order.
//
// Threads: NextPage by one thread at a time, not an event loop. Lifetime: store and loops outlive
// it. Destruction cancels what is in flight and waits for it.
class ParallelLister {
 public:
  ParallelLister(ObjectStore& store, EventLoops& loops, ListSource source,
                 const ListOptions& options, const CallContext& context);
  ~ParallelLister();
  ParallelLister(const ParallelLister&) = delete;
  ParallelLister& operator=(const ParallelLister&) = delete;

  // The next objects in key order, at least one; nothing at the end. Blocks. After an error every
  // call gives that error.
  Result<std::optional<Listing>> NextPage();

 private:
  class State;
  std::shared_ptr<State> state_;
  // Passes the caller's stop on.
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace headrace::plan
