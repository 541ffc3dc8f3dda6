// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/plan/listing.h"
#include "headrace/plan/manifest.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::plan {

struct ManifestOptions {
  // A manifest is held whole: this is 5 million names of 100 bytes.
  uint64_t size_bytes_max = 512ULL << 20U;
  // Up to so many entries are looked up one by one; more are found by listing what they have in
  // common, a thousand keys a request.
  size_t lookup_count_max = 1000;
  // Lookups in flight at once.
  size_t lookups_in_flight_max = 64;
  ListOptions list;
};

// Reads and parses the manifest at `uri`. Errors name it; kResourceExhausted above the size limit.
// Blocks its thread, which must not be an event loop.
Result<Manifest> ReadManifest(ObjectStore& store, EventLoops& loops, const S3Uri& uri,
                              const ManifestOptions& options, const CallContext& context);

// What the entries of a manifest mean: `order[i]` is the place in the listing of entry i.
struct ManifestListing {
  Listing listing;
  std::vector<uint32_t> order;
};

// The objects a manifest names, in its order, with their sizes; a name may come twice. kNotFound,
// naming the first entry without an object. Blocks as above.
Result<ManifestListing> ListManifestInOrder(ObjectStore& store, EventLoops& loops,
                                            const Manifest& manifest,
                                            const ManifestOptions& options,
                                            const CallContext& context);

// The same without an order. kInvalidArgument when a name comes twice.
Result<Listing> ListManifest(ObjectStore& store, EventLoops& loops, const Manifest& manifest,
                             const ManifestOptions& options, const CallContext& context);

}  // namespace headrace::plan
