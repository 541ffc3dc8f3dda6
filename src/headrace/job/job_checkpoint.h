// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/job/checkpoint_agent.h"
#include "headrace/job/checkpoint_sync.h"
#include "headrace/job/download_observer.h"
#include "headrace/job/interruption_watch.h"
#include "headrace/job/job_spec.h"
#include "headrace/job/signal_inbox.h"

namespace headrace::job {

// A job's checkpoints through its life: restored, uploaded while the command runs, uploaded to the
// end. Its steps are called in the order in which they stand here.
// Threads: one, not an event loop. Lifetime: what it is given outlives it.
class JobCheckpoint {
 public:
  static Result<std::unique_ptr<JobCheckpoint>> Make(const JobSpec& spec, ObjectStore& store,
                                                     EventLoops& loops,
                                                     const CheckpointOptions& options);

  // As job::CheckWritable, of the objects that checkpoints become.
  Status CheckWritable(const CallContext& context);
  // As CheckpointSync's: what Restore would do.
  Result<RestorePlan> PlanRestore(const CallContext& context);
  // `observer` may be null.
  Status Restore(const CallContext& context, DownloadObserver* observer);
  // The command is about to start. When `question` tells of an interruption, a SIGTERM is posted to
  // `signals`, for the command to save its work. A null question is not asked.
  void Begin(const SignalInbox& signals, const CheckpointTiming& timing,
             InterruptionQuestion question, InterruptionTiming question_timing);
  // The command has ended. The interruption, if there was one.
  std::optional<Interruption> EndWatch();
  // Uploads what is left. The error names the files that are not uploaded, with their sizes. Where
  // a signal ended the command, what it may have left torn is told and kept, and is no error.
  Status Finish(const CallContext& context, bool ended_by_signal = false);

  // Once Finish has returned, or before Begin.
  const CheckpointReport& report() const { return sync_.report(); }

 private:
  JobCheckpoint(CheckpointPlace place, ObjectStore& store, EventLoops& loops,
                const CheckpointOptions& options)
      : store_(store), loops_(loops), sync_(std::move(place), store, loops, options) {}
  std::string Attempt() const;

  ObjectStore& store_;
  EventLoops& loops_;
  CheckpointSync sync_;
  std::optional<CheckpointAgent> agent_;
  std::optional<InterruptionWatch> watch_;
};

}  // namespace headrace::job
