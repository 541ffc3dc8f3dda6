// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/job/job_spec.h"
#include "headrace/plan/epoch_plan.h"
#include "headrace/plan/listing.h"
#include "headrace/plan/manifest_objects.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// What a channel's URI names.
struct ChannelObjects {
  S3Uri source;  // The bucket, and what every key begins with.
  plan::Listing listing;
  // Of a manifest in mode Pipe: places in the listing, in its order. Else empty.
  std::vector<uint32_t> order;
};

// Lists a channel's objects, those of its manifest where it has one. kNotFound when the bucket, the
// manifest or an object that it names is not there. Errors name the channel. Blocks its thread,
// which must not be an event loop.
Result<ChannelObjects> ListChannel(const ChannelSpec& spec, ObjectStore& store, EventLoops& loops,
                                   const plan::ManifestOptions& options,
                                   const CallContext& context);

// How a channel's objects are shared out and ordered.
plan::PlanOptions PlanOptionsOf(const ChannelSpec& spec);

}  // namespace headrace::job
