// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <future>
#include <optional>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

// The objects a list request asks for, pulled one by one in byte order of keys while the next page
// is already on its way: at most two pages in memory.
// Threads: one, which must not be an event loop; blocks. Lifetime: store and loops outlive it.
class ObjectStream {
 public:
  ObjectStream(ObjectStore& store, EventLoops& loops, ListRequest request, CallContext context);
  ~ObjectStream();
  ObjectStream(const ObjectStream&) = delete;
  ObjectStream& operator=(const ObjectStream&) = delete;

  // The next page; nothing behind the last one. Pages may be empty.
  Result<std::optional<ListPage>> NextPage();
  // The next object (common prefixes are passed over); nothing at the end.
  Result<std::optional<ObjectInfo>> Next();

 private:
  void RequestPage();

  ObjectStore& store_;
  EventLoops& loops_;
  ListRequest request_;
  CallContext context_;
  std::future<Result<ListPage>> coming_;  // Not valid: the last page was given.
  ListPage page_;
  size_t next_ = 0;  // In page_.objects.
};

}  // namespace headrace::file
