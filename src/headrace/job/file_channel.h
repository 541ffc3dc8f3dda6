// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/job/channel_objects.h"
#include "headrace/job/job_spec.h"
#include "headrace/plan/epoch_plan.h"
#include "headrace/plan/listing.h"
#include "headrace/plan/manifest_objects.h"
#include "headrace/plan/rank.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// Where a host's part of a channel goes.
struct ChannelPlace {
  std::string folder;
  plan::Rank rank;  // The host's among the job's.
};

struct FileChannelReport {
  uint64_t objects = 0;  // Of this host.
  uint64_t bytes = 0;
  uint64_t objects_kept = 0;  // Of them, already there from an earlier run.
  uint64_t bytes_kept = 0;
};

// A File channel: what it holds, and its way into its folder. Made from a listing and checked as a
// whole before a byte moves.
// Threads: one at a time, not an event loop. Lifetime: nothing is kept of what Plan was given.
class FileChannel {
 public:
  // Lists the channel's objects, those of its manifest where it has one, and checks every key.
  // kNotFound when there is no object (or no such bucket), kInvalidArgument, naming the key, when
  // one cannot be a file.
  static Result<FileChannel> Plan(const ChannelSpec& spec, const ChannelPlace& place,
                                  ObjectStore& store, EventLoops& loops,
                                  const plan::ManifestOptions& options, const CallContext& context);

  // A channel of objects that are known already, of `source`'s bucket and prefix. Errors as above.
  static Result<FileChannel> OfListing(const ChannelSpec& spec, S3Uri source,
                                       const ChannelPlace& place, plan::Listing listing);

  const std::string& name() const { return name_; }
  const std::string& folder() const { return folder_; }
  const FileChannelReport& report() const { return report_; }

  // Looks at what an earlier run left in the folder and counts what need not be downloaded again
  // (same size and modification time as listed). kAlreadyExists, naming it, for a file that is not
  // of this channel: a script would train on it. Partial files are their writer's to remove.
  Status CheckFolder();

  // Downloads what is missing. The error names the first object that failed and how many did.
  // `observer` may be null.
  Status Download(file::Transfer& transfer, file::TransferObserver* observer,
                  const CallContext& context);

 private:
  // `source`: the bucket, and what every key begins with.
  FileChannel(const ChannelSpec& spec, S3Uri source, ChannelPlace place, plan::Listing listing);

  Status CheckKeys();
  // The file of an object of this host; nothing for a folder marker or another host's object.
  std::optional<std::string> PathOf(size_t index) const;
  bool IsComplete(size_t index, const std::string& path) const;
  bool Expects(const std::string& relative_path) const;

  std::string name_;
  S3Uri source_;
  std::string folder_;
  plan::Listing listing_;
  plan::EpochPlan share_;  // Which of the listing's objects are this host's.
  FileChannelReport report_;
};

}  // namespace headrace::job
