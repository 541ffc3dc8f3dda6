// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/entry.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/job/checkpoint_plan.h"
#include "headrace/job/download_observer.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/plan/listing.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// The two sides of a job's checkpoints.
struct CheckpointPlace {
  S3Uri prefix;  // As CheckpointPrefix gives it.
  std::string folder;
  bool deletes = false;  // Objects whose files are gone are removed.
};

struct CheckpointOptions {
  // Half of what other transfers take: the command that trains needs memory and network meanwhile.
  file::TransferOptions transfer{.memory_bytes_max = 64ULL << 20U,
                                 .requests_in_flight_max = 8,
                                 .upload_memory_bytes_max = 64ULL << 20U,
                                 .upload_requests_max = 8};
  plan::ListOptions list;
  // Of one folder: names and versions of all are held, 100 to 200 bytes each.
  size_t file_count_max = 200'000;
};

// What a restore does, before it does it.
struct RestorePlan {
  std::vector<std::string> paths;           // Of the files that the objects are,
  std::vector<file::DownloadItem> missing;  // those that are not there, or older,
  uint64_t missing_bytes = 0;
  uint64_t files_newer = 0;  // and those that stay though newer than in the store.
  std::string first_newer;   // Path of one of these.

  // There as the store has them.
  uint64_t files_kept() const { return paths.size() - missing.size() - files_newer; }
};

struct CheckpointReport {
  uint64_t files_restored = 0;
  uint64_t bytes_restored = 0;
  uint64_t files_kept = 0;      // Already there as the store has them.
  uint64_t files_newer = 0;     // Newer than in the store: kept, not uploaded as they are.
  std::string first_newer;      // Path of one of those.
  uint64_t files_uploaded = 0;  // Each version counts.
  uint64_t bytes_uploaded = 0;
  uint64_t objects_deleted = 0;
  // Not in the store as they were at the last look, in the order they would go.
  std::vector<file::Entry> pending;
  // What cannot be uploaded at all, with the reason; at most kProblemCountMax of them.
  std::vector<std::string> problems;
  // What is no file (sockets, pipes, devices, links that lead nowhere or back) at the last look.
  std::vector<std::string> skipped;
  bool is_disk_full = false;  // At some look.
};
inline constexpr size_t kProblemCountMax = 20;

// When a look takes a file for complete.
struct CompleteWhen {
  SteadyTime now{};  // Of the look.
  // So long its version must have been seen, from a first look to this one.
  std::chrono::nanoseconds rest{0};
};

// A folder of checkpoints and its copy in a store. Nothing but the user's files is ever in the
// folder, and each look starts from what is there, so that nothing can be missed for good.
// Threads: one at a time, not an event loop. Lifetime: store and loops outlive it.
class CheckpointSync {
 public:
  CheckpointSync(CheckpointPlace place, ObjectStore& store, EventLoops& loops,
                 const CheckpointOptions& options);

  // Lists the store and looks at the folder, which need not be there; changes neither.
  // kInvalidArgument for a key that cannot be a file, kAlreadyExists where the folder has a folder
  // in the place of a file or the other way round, kResourceExhausted without room.
  Result<RestorePlan> PlanRestore(const CallContext& context);
  // Makes the folder and brings in what is missing there or older than in the store. A file that
  // is newer stays, but may be what a killed run left torn: it is not uploaded before somebody
  // writes to it again. What restores that were killed left behind is removed unless somebody wrote
  // to it within the minute before `wall_now`: hosts may share a folder. Before a byte moves it
  // fails as PlanRestore does.
  // `observer` may be null.
  Status Restore(const CallContext& context, SystemTime wall_now = {},
                 DownloadObserver* observer = nullptr);

  // One look while a command may write: uploads what is complete, in order, up to the first failure
  // of the store, which it gives. What is left is in report().pending, for the next look.
  Status Look(const CallContext& context, const CompleteWhen& when = {});
  // Before LookAtEnd, where the writer was killed: a file may be torn, and stays in
  // report().pending, unless it is complete by `when` or was not modified after `quiet_since`.
  Status WriterWasKilled(const CompleteWhen& when, SystemTime quiet_since);
  // The same when nobody writes any more: every file is complete that is not torn. After a success
  // all is uploaded but what report().problems and, torn, report().pending name.
  Status LookAtEnd(const CallContext& context);
  // Sets report().pending by a look like LookAtEnd's, and moves nothing.
  Status LookAtWhatIsLeft();

  const CheckpointPlace& place() const { return place_; }
  const CheckpointReport& report() const { return report_; }

 private:
  using Scan = std::vector<file::Entry>;

  Result<Scan> ScanFolder();
  void NoteUnread(const std::string& path, const Error& error);
  // The files of `now`, the newest look, whose versions were first seen `rest` ago.
  Scan AtRest(const Scan& now, const CompleteWhen& when);
  CheckpointPlan PlanAtEnd() const;
  bool IsGone(const std::string& below) const;
  Status CheckObject(const file::Entry& object) const;
  Result<RestoreStep> StepOf(const file::Entry& object, const file::Entry* file,
                             const CallContext& context);
  Status DownloadMissing(RestorePlan& plan, const CallContext& context, DownloadObserver* observer);
  Status CarryOut(const CheckpointPlan& plan, const CallContext& context);
  Status Upload(const file::Entry& entry, const CallContext& context);
  Status Delete(const std::vector<std::string>& gone, const CallContext& context);
  void SetPending(const CheckpointPlan& plan);
  void AddProblem(const std::string& path, const Error& error);
  std::string PathOf(const std::string& below) const { return place_.folder + "/" + below; }
  std::string NameOf(const std::string& below) const {
    return FormatS3Uri(place_.prefix.bucket, place_.prefix.key + below);
  }

  const CheckpointPlace place_;
  ObjectStore& store_;
  EventLoops& loops_;
  const CheckpointOptions options_;
  file::Transfer transfer_;
  Scan before_;                         // The look before.
  std::vector<SteadyTime> first_seen_;  // Of each version in `before_`; empty: long ago.
  // Whether the last look and the one before saw everything: only then is a file gone that both
  // miss.
  bool is_whole_ = false;
  bool was_whole_ = false;
  std::optional<Scan> untorn_;  // After WriterWasKilled: what is complete.
  StoredFiles stored_;
  CheckpointReport report_;
};

}  // namespace headrace::job
