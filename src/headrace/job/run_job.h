// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/job/checkpoint_agent.h"
#include "headrace/job/checkpoint_sync.h"
#include "headrace/job/download_observer.h"
#include "headrace/job/file_channel.h"
#include "headrace/job/interruption_watch.h"
#include "headrace/job/job_spec.h"
#include "headrace/job/output_upload.h"
#include "headrace/job/pipe_delivery.h"
#include "headrace/job/process.h"
#include "headrace/job/signal_inbox.h"
#include "headrace/job/training_environment.h"
#include "headrace/plan/augmented_manifest.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::job {

struct JobOptions {
  ProcessOptions process;
  file::TransferOptions transfer;
  plan::ManifestOptions sources;
  plan::AugmentedManifestOptions augmented;
  PipeOptions pipe;
  OutputOptions outputs;
  CheckpointOptions checkpoint;
  CheckpointTiming checkpoint_timing;
  InterruptionTiming interruption;
  // Of everything before the command starts; the command and its outputs take as long as they take.
  Deadline preparation;
  // Look at every line and object of every augmented manifest, and end before anything is
  // downloaded.
  bool checks_only = false;
  bool is_fresh = false;  // Remove what an earlier run left in model/ and output/.
};

// The world a job runs in.
struct JobWorld {
  // May be null for a job without channels, output and checkpoint.
  ObjectStore* store = nullptr;
  EventLoops* loops = nullptr;
  s3::S3Metrics* store_metrics = nullptr;  // For the report; null: nothing is known of retries.
  StoreFaces store_faces;  // For the report; empty: nothing is known of Pipe channels' retries.
  const SignalInbox* signals = nullptr;
  const Clock* clock = &RealClock();
  HostFacts host;
  // Asked while the command of a job with checkpoints runs; null: nobody to ask.
  InterruptionQuestion interruption;
  Environment inherited;
  // Hears, one line at a time, what the job is doing. Called on the thread that runs the job.
  std::function<void(std::string_view)> say = [](std::string_view) {};
  // Hears how the downloads go; null: nobody does.
  DownloadObserver* observer = nullptr;
};

struct ChannelReport {
  std::string name;
  FileChannelReport counts;
  std::chrono::nanoseconds span{};  // Of its download.
  uint64_t retries = 0;             // Requests sent again meanwhile; 0 where nobody counts.
};

struct JobReport {
  std::string name;
  std::vector<ChannelReport> channels;
  std::vector<PipeChannelReport> pipes;
  std::optional<CheckpointReport> checkpoint;  // Nothing: the job has none.
  std::chrono::nanoseconds preparation_span{};
  std::chrono::nanoseconds command_span{};
  std::chrono::nanoseconds checkpoint_span{};  // Of uploads after the command's end.
  std::chrono::nanoseconds outputs_span{};
  std::string failure;  // What output/failure says; empty for a success.
  std::vector<OutputReport> outputs;
};

struct JobResult {
  // The command's own, or what a shell gives for one that cannot run or was interrupted before; 0
  // also when the job failed before its command: see `error`.
  int exit_code = 0;
  std::optional<Error> error;  // What went wrong outside the command.
  JobReport report;
};

// Runs a job from its description to its uploaded outputs: checks everything that can be checked,
// makes the tree, restores the checkpoints, downloads the File channels, runs the command, serves
// its Pipe channels and uploads its checkpoints meanwhile, uploads model/ and output/data/ under
// <output>/<job>/output/. A Pipe channel that fails asks the command to stop and is the job's
// error. Outputs are uploaded however the command ended, as SageMaker does; an empty folder uploads
// nothing, so that a run that fails at once replaces no earlier model. Blocks its thread, which
// must not be an event loop.
JobResult RunJob(const JobSpec& spec, const JobOptions& options, const JobWorld& world);

}  // namespace headrace::job
