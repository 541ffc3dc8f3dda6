// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/plan/listing.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

class ParallelLister;

struct ListOptions {
  // List requests in flight at once. A page takes a store 100 to 200 ms whatever the link, so 16
  // give about 100,000 keys/s; S3 allows 5,500 reads a second and prefix.
  size_t requests_in_flight_max = 16;
  // Keys a page; S3 gives no more.
  uint32_t page_key_count = 1000;
  // PrefixStream: keys listed and not yet taken, in compact form (see Listing), beyond which only
  // the part of the key space that is to be delivered next is listed on. A million keys of 60 bytes
  // are 100 MB.
  size_t keys_ahead_max = 1'000'000;
};

// What to list: every object whose key starts with `prefix`.
struct ListSource {
  std::string bucket;
  std::string prefix;
};

// All objects of a prefix. The key space is split while it is listed, so that pages are asked for
// in parallel however the keys are distributed; a listing of one page takes one request.
//
// Blocks its thread, which must not be an event loop. kNotFound (no such bucket), kCancelled,
// kTimedOut, kCorrupt (the store lists keys out of order) and what else the store says.
Result<Listing> ListPrefix(ObjectStore& store, EventLoops& loops, const ListSource& source,
                           const ListOptions& options, const CallContext& context);

// The same objects one by one, in byte order of keys, while the listing goes on: memory is bounded
// by ListOptions::keys_ahead_max.
//
// Threads: one at a time, not an event loop. Lifetime: store and loops outlive it. Destruction
// cancels what is in flight and waits for it.
class PrefixStream {
 public:
  PrefixStream(ObjectStore& store, EventLoops& loops, ListSource source, const ListOptions& options,
               const CallContext& context);
  ~PrefixStream();
  PrefixStream(PrefixStream&&) noexcept;
  PrefixStream& operator=(PrefixStream&&) noexcept;

  // The next object; nothing at the end. Blocks. After an error every call gives that error.
  Result<std::optional<ObjectInfo>> Next();

 private:
  std::unique_ptr<ParallelLister> lister_;
  Listing page_;         // What Next walks through.
  size_t position_ = 0;  // In page_.
};

}  // namespace headrace::plan
