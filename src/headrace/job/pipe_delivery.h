// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/mutex.h"
#include "headrace/base/unique_fd.h"
#include "headrace/deliver/pipe/pipe_feed.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/job/pipe_channel.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::job {

struct PipeOptions {
  // What is fetched ahead of all pipes' readers: a second at 1 GB/s with room for a slow request.
  // Readers that stall share it; a few of them leave room for the others (fetch::MayTake).
  fetch::FetchOptions fetch{.memory_bytes_max = 256ULL << 20U};
};

// Gives another face of the job's store, which counts in the metrics what is sent through it.
using StoreFaces =
    std::function<std::unique_ptr<ObjectStore>(std::shared_ptr<s3::S3Metrics> metrics)>;

struct PipeChannelReport {
  std::string name;
  pipe::PipeReport counts;
  uint64_t retries = 0;  // Requests for its epochs that were sent again; 0 where nobody counts.
  // The first object that was not read whole, as --resume takes it, where all hosts have read as
  // much as this one.
  plan::ResumePoint next;
};

// The Pipe channels of a job while its command runs.
// Threads: one at a time, but stop_fd from any; not an event loop. Lifetime: store and loops
// outlive it.
class PipeDelivery {
 public:
  // `faces` may be empty: then no channel's retries are known.
  PipeDelivery(ObjectStore& store, EventLoops& loops, PipeOptions options, StoreFaces faces)
      : store_(store), loops_(loops), options_(std::move(options)), faces_(std::move(faces)) {}

  // Takes a channel in. It must not be started yet.
  void Add(PipeChannel channel);
  const std::vector<std::unique_ptr<PipeChannel>>& channels() const { return channels_; }
  // Makes the channels' first FIFOs in `folder`; from now on they are served. Errors name the
  // channel.
  Status Start(const std::string& folder);
  // Becomes readable when a channel fails: the command has to end. -1 before Start.
  int stop_fd() const { return failed_event_.get(); }
  // Ends everything, whatever readers there are, and says what was done.
  std::vector<PipeChannelReport> Stop();
  // The first channel's failure, which names it; nothing: all went well.
  std::optional<Error> failure() const HR_EXCLUDES(mutex_);

 private:
  void KeepFailure(const std::string& channel, const Error& error) HR_EXCLUDES(mutex_);

  ObjectStore& store_;
  EventLoops& loops_;
  const PipeOptions options_;
  const StoreFaces faces_;
  // A channel's face of the store.
  struct Face {
    std::shared_ptr<s3::S3Metrics> metrics;
    std::unique_ptr<ObjectStore> store;
  };
  std::vector<Face> channel_faces_;  // As the channels; empty where there are no faces.
  std::vector<std::unique_ptr<PipeChannel>> channels_;  // Feeds hold on to their addresses.
  std::optional<fetch::Fetcher> fetcher_;
  UniqueFd failed_event_;
  mutable Mutex mutex_;
  std::optional<Error> failure_ HR_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<pipe::PipeFeed>> feeds_;  // Last: they use all the others.
};

}  // namespace headrace::job
