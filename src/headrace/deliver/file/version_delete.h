// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

struct VersionDeleteOptions {
  // Two requests an object, each a round trip: as many at once as a transfer has.
  size_t objects_in_flight_max = 64;
};

// Deletes many objects of one bucket, each only if it is still the version that is named. The store
// is asked first and then told to delete that version alone; where a store knows no conditional
// delete, what is written between the two is lost.
// Threads: Add and Finish from one thread, which must not be an event loop; both block. Lifetime:
// store and loops outlive it.
class VersionDelete {
 public:
  // Told about each key once, when it is gone (`error` is null) or stays: kPreconditionFailed for
  // another version. Called from event loops, several at once; must be quick.
  using OnKey = std::function<void(const std::string& key, const Error* error)>;

  VersionDelete(ObjectStore& store, EventLoops& loops, std::string bucket, OnKey on_key,
                CallContext context, VersionDeleteOptions options = {});
  // Waits for what is in flight.
  ~VersionDelete();
  VersionDelete(const VersionDelete&) = delete;
  VersionDelete& operator=(const VersionDelete&) = delete;

  // An empty ETag stands for any version.
  void Add(std::string key, std::string etag);
  // Waits until all is done.
  void Finish();

 private:
  ObjectStore& store_;
  EventLoops& loops_;
  const std::string bucket_;
  const OnKey on_key_;
  const CallContext context_;
  const size_t in_flight_max_;
  AsyncSemaphore in_flight_;
};

}  // namespace headrace::file
