// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/pipe/pipe_item.h"
#include "headrace/job/channel_objects.h"
#include "headrace/job/job_spec.h"
#include "headrace/plan/augmented_manifest.h"
#include "headrace/plan/epoch_plan.h"
#include "headrace/plan/manifest_objects.h"
#include "headrace/plan/rank.h"
#include "headrace/store/object_store.h"

namespace headrace::job {

struct PipePlanOptions {
  plan::Rank rank;
  std::string folder;  // Whose disk holds the text of an augmented manifest.
  plan::ManifestOptions sources;
  plan::AugmentedManifestOptions augmented;
};

// A Pipe channel: what it holds, and what this host reads of it in every epoch. Made from a listing
// or a manifest and checked as a whole before the command starts.
// Threads: const methods may be called at once from any thread. Lifetime: store and loops outlive
// it; it outlives the items of its epochs.
class PipeChannel {
 public:
  // Lists the channel's objects, those of its manifest in its order where it has one. kNotFound
  // when there is no object (or no such bucket), kInvalidArgument, naming the key, for an object
  // that is too large for the record it is to become.
  static Result<PipeChannel> Plan(const ChannelSpec& spec, const PipePlanOptions& options,
                                  ObjectStore& store, EventLoops& loops,
                                  const CallContext& context);

  const std::string& name() const { return spec_.name; }
  // Objects, or lines of an augmented manifest, of an epoch over all hosts: what is shared out and
  // put in order.
  uint64_t unit_count() const;
  pipe::PipeFraming framing() const;
  // What its epochs read from now on goes through `store`, a face of the one it was planned with
  // that outlives its epochs' items too.
  void ReadThrough(ObjectStore& store) { store_ = &store; }
  // What this host gets in the `number`-th epoch of this run. The first one begins where the job
  // was to be resumed.
  pipe::ItemSource Epoch(uint64_t number, const CallContext& context) const;
  // Where to resume after so many items of the `number`-th epoch of this run, as far as this host
  // can tell.
  plan::ResumePoint ResumeAt(uint64_t number, uint64_t item_count) const;

 private:
  PipeChannel(const ChannelSpec& spec, plan::Rank rank, ObjectStore& store, EventLoops& loops)
      : spec_(spec), rank_(rank), store_(&store), loops_(&loops) {}

  Status ReadAugmented(const PipePlanOptions& options, const CallContext& context);
  pipe::ItemSource AugmentedEpoch(uint64_t number, const CallContext& context) const;
  Status DropFolderMarkers();
  Status CheckRecordSizes() const;
  Status CheckResume() const;
  plan::EpochPlan PlanOf(uint64_t number) const;
  // The object at that place of the channel's own order.
  fetch::PlannedRead ReadAt(uint64_t place) const;

  ChannelSpec spec_;
  plan::Rank rank_;
  ObjectStore* store_;
  EventLoops* loops_;
  ChannelObjects objects_;                             // Empty with an augmented manifest.
  std::unique_ptr<plan::AugmentedManifest> manifest_;  // Its items hold on to its address.
};

}  // namespace headrace::job
