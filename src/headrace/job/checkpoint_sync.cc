// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_sync.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "headrace/base/log.h"
#include "headrace/base/media_type.h"
#include "headrace/base/task.h"
#include "headrace/deliver/file/batch_delete.h"
#include "headrace/deliver/file/local_tree.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/job/disk_room.h"
#include "headrace/job/first_failure.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {
namespace {

// Below this no file of weights can be complete: it is less than any writer's buffer.
constexpr uint64_t kFullDiskBytes = 64 * 1024;

// Of an object: when its file was last written to, in nanoseconds since 1970.
constexpr const char* kWrittenName = "headrace-written-ns";

std::optional<SystemTime> WrittenOf(const ObjectAttributes& attributes) {
  const auto found = attributes.user_metadata.find(kWrittenName);
  if (found == attributes.user_metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return SystemTime(std::chrono::nanoseconds(count));
}

// True for a failure that this file alone has: those behind it need not wait.
bool IsOfOneFile(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kUnsupported;
}

}  // namespace

CheckpointSync::CheckpointSync(CheckpointPlace place, ObjectStore& store, EventLoops& loops,
                               const CheckpointOptions& options)
    : place_(std::move(place)),
      store_(store),
      loops_(loops),
      options_(options),
      transfer_(store, loops, options.transfer) {}

Result<RestorePlan> CheckpointSync::PlanRestore(const CallContext& context) {
  const plan::ListSource source{.bucket = place_.prefix.bucket, .prefix = place_.prefix.key};
  HR_TRY_ASSIGN(const plan::Listing listing,
                plan::ListPrefix(store_, loops_, source, options_.list, context));
  Scan there;
  if (access(place_.folder.c_str(), F_OK) == 0) {
    HR_TRY_ASSIGN(there, ScanFolder());
  }
  plan::KeyPathChecker checker(place_.prefix.key);
  RestorePlan plan;
  for (size_t index = 0; index < listing.size(); ++index) {
    ObjectInfo object = listing.ObjectAt(index);
    HR_TRY_ASSIGN(const std::optional<std::string> path, checker.Next(object.key));
    if (!path) continue;
    const file::Entry entry{
        .path = *path, .size_bytes = object.size_bytes, .modified = object.modified, .etag = {}};
    HR_TRY(CheckObject(entry));
    HR_TRY_ASSIGN(const RestoreStep step, StepOf(entry, FindEntry(there, *path), context));
    plan.paths.push_back(*path);
    if (step == RestoreStep::kKeepNewer && plan.files_newer++ == 0) plan.first_newer = *path;
    if (step != RestoreStep::kDownload) continue;
    plan.missing_bytes += object.size_bytes;
    plan.missing.push_back({.bucket = place_.prefix.bucket,
                            .key = std::move(object.key),
                            .size_bytes = object.size_bytes,
                            .etag = std::move(object.etag),
                            .modified = object.modified,
                            .path = PathOf(*path)});
  }
  HR_TRY(CheckRoom("the files", plan.missing_bytes, place_.folder,
                   "choose another folder (--checkpoint URI=DIR)"));
  return plan;
}

Status CheckpointSync::Restore(const CallContext& context, SystemTime wall_now,
                               DownloadObserver* observer) {
  std::error_code failure;
  std::filesystem::create_directories(place_.folder, failure);
  if (failure) {
    return std::unexpected(Error::FromErrno(failure.value(), "make " + place_.folder));
  }
  file::RemovePartialFiles(place_.folder, wall_now - file::kPartialAge);
  HR_TRY_ASSIGN(RestorePlan plan, PlanRestore(context));
  report_.files_newer = plan.files_newer;
  report_.first_newer = plan.first_newer;
  report_.files_kept = plan.files_kept();
  HR_TRY(DownloadMissing(plan, context, observer));
  HR_TRY_ASSIGN(before_, ScanFolder());
  for (const std::string& path : plan.paths) {
    if (const file::Entry* entry = FindEntry(before_, path)) stored_[path] = StampOf(*entry);
  }
  if (report_.files_newer > 0) {
    Log(LogLevel::kWarning,
        "{} holds {} files newer than in the store ({}, for one): they stay, and are uploaded only "
        "once they are written again",
        place_.folder, report_.files_newer, plan::ShownKey(report_.first_newer));
  }
  return Ok();
}

Status CheckpointSync::CheckObject(const file::Entry& object) const {
  const std::string path = PathOf(object.path);
  struct stat found{};
  const bool is_there = stat(path.c_str(), &found) == 0;
  if ((!is_there && errno == ENOTDIR) || (is_there && S_ISDIR(found.st_mode))) {
    return Fail(ErrorCode::kAlreadyExists,
                fmt::format("{} cannot be restored to {}: a {} is in its place; remove it or "
                            "choose another folder",
                            NameOf(object.path), path, is_there ? "folder" : "file"));
  }
  return Ok();
}

Result<RestoreStep> CheckpointSync::StepOf(const file::Entry& object, const file::Entry* file,
                                           const CallContext& context) {
  const RestoreStep step = job::PlanRestore(object, file);
  const bool is_like = file != nullptr && file->size_bytes == object.size_bytes;
  if (!is_like || step != RestoreStep::kDownload) return step;
  const HeadRequest request{.bucket = place_.prefix.bucket, .key = place_.prefix.key + object.path};
  HR_TRY_ASSIGN(const ObjectHead head, RunBlocking(loops_.Next(), store_.Head(request, context)));
  const std::optional<SystemTime> written = WrittenOf(head.attributes);
  // Only equality says something: which of two times is later depends on two machines' clocks.
  return written == file->modified ? RestoreStep::kSame : step;
}

Status CheckpointSync::DownloadMissing(RestorePlan& plan, const CallContext& context,
                                       DownloadObserver* observer) {
  std::vector<file::DownloadItem>& missing = plan.missing;
  const ObservedDownload observed(observer, missing.size(), plan.missing_bytes);
  size_t next = 0;
  const auto items = [&]() -> Result<std::optional<file::DownloadItem>> {
    if (next == missing.size()) return std::nullopt;
    return std::move(missing[next++]);
  };
  FirstFailure failure(observer);
  const file::TransferReport report = transfer_.Download(items, failure, context);
  report_.files_restored = report.items_done;
  report_.bytes_restored = report.bytes;
  return failure.Outcome(report, "restore");
}

Result<CheckpointSync::Scan> CheckpointSync::ScanFolder() {
  report_.problems.clear();
  report_.skipped.clear();
  was_whole_ = std::exchange(is_whole_, false);
  bool is_whole = true;
  HR_TRY_ASSIGN(
      file::LocalTree tree,
      file::LocalTree::Open(place_.folder, {}, [&](const std::string& path, const Error& error) {
        NoteUnread(path, error);
        // Behind a link that leads nowhere now there may have been files.
        is_whole = is_whole && error.code() == ErrorCode::kUnsupported;
      }));
  Scan scan;
  while (std::optional<file::Entry> entry = tree.Next()) {
    if (scan.size() == options_.file_count_max) {
      return Fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} holds more than {} files; remove some", place_.folder,
                              options_.file_count_max));
    }
    scan.push_back(*std::move(entry));
  }
  // By folder the names come in the order of keys; by path, '/' sorts among other bytes.
  std::ranges::sort(scan, {}, &file::Entry::path);
  is_whole_ = is_whole;
  return scan;
}

void CheckpointSync::NoteUnread(const std::string& path, const Error& error) {
  const int os_error = error.origin().os_error;
  const bool leads_nowhere = os_error == ENOENT || os_error == ELOOP;
  if (error.code() != ErrorCode::kUnsupported && !leads_nowhere) {
    AddProblem(path, error);
  } else if (report_.skipped.size() < kProblemCountMax) {
    report_.skipped.push_back(path);
  }
}

CheckpointSync::Scan CheckpointSync::AtRest(const Scan& now, const CompleteWhen& when) {
  Scan at_rest;
  std::vector<SteadyTime> first_seen;
  first_seen.reserve(now.size());
  for (const file::Entry& entry : now) {
    const file::Entry* earlier = FindEntry(before_, entry.path);
    const bool is_same = earlier != nullptr && StampOf(*earlier) == StampOf(entry);
    SteadyTime since = when.now;
    if (is_same) {
      since = first_seen_.empty() ? SteadyTime::min()
                                  : first_seen_[static_cast<size_t>(earlier - before_.data())];
    }
    first_seen.push_back(since);
    // SteadyTime::min() is no time to subtract.
    if (is_same && since <= when.now - when.rest) at_rest.push_back(entry);
  }
  first_seen_ = std::move(first_seen);
  return at_rest;
}

Status CheckpointSync::Look(const CallContext& context, const CompleteWhen& when) {
  HR_TRY_ASSIGN(Scan now, ScanFolder());
  CheckpointPlan plan = PlanCheckpoint(AtRest(now, when), now, stored_);
  std::erase_if(plan.gone,
                [this](const std::string& path) { return FindEntry(before_, path) != nullptr; });
  before_ = std::move(now);
  Status outcome = CarryOut(plan, context);
  // Written to again meanwhile: it and all that is newer waits for the next look.
  if (!outcome && outcome.error().code() == ErrorCode::kPreconditionFailed) return Ok();
  return outcome;
}

Status CheckpointSync::LookAtEnd(const CallContext& context) {
  first_seen_.clear();
  HR_TRY_ASSIGN(before_, ScanFolder());
  CheckpointPlan plan = PlanAtEnd();
  if (!place_.deletes || plan.gone.empty()) return CarryOut(plan, context);
  HR_TRY_ASSIGN(before_, ScanFolder());
  const std::vector<std::string> gone_before = std::move(plan.gone);
  plan = PlanAtEnd();
  std::erase_if(plan.gone, [&gone_before](const std::string& path) {
    return !std::ranges::binary_search(gone_before, path);
  });
  return CarryOut(plan, context);
}

Status CheckpointSync::LookAtWhatIsLeft() {
  first_seen_.clear();
  HR_TRY_ASSIGN(before_, ScanFolder());
  SetPending(PlanAtEnd());
  return Ok();
}

CheckpointPlan CheckpointSync::PlanAtEnd() const {
  return PlanCheckpoint(untorn_ ? *untorn_ : before_, before_, stored_);
}

Status CheckpointSync::WriterWasKilled(const CompleteWhen& when, SystemTime quiet_since) {
  if (untorn_) return Ok();
  HR_TRY_ASSIGN(Scan now, ScanFolder());
  Scan untorn = AtRest(now, when);
  const size_t at_rest_count = untorn.size();
  for (const file::Entry& entry : now) {
    const auto seen = std::span(untorn).first(at_rest_count);
    const bool is_listed = std::ranges::binary_search(seen, entry.path, {}, &file::Entry::path);
    if (!is_listed && entry.modified <= quiet_since) untorn.push_back(entry);
  }
  std::ranges::sort(untorn, {}, &file::Entry::path);
  untorn_ = std::move(untorn);
  before_ = std::move(now);
  return Ok();
}

bool CheckpointSync::IsGone(const std::string& below) const {
  struct stat found{};
  return lstat(PathOf(below).c_str(), &found) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

Status CheckpointSync::CarryOut(const CheckpointPlan& plan, const CallContext& context) {
  const std::optional<uint64_t> free_bytes = FreeBytes(place_.folder);
  if (free_bytes && *free_bytes < kFullDiskBytes) report_.is_disk_full = true;
  Status outcome = Ok();
  for (const file::Entry& entry : plan.uploads) {
    if (access(PathOf(entry.path).c_str(), R_OK) != 0) {
      if (errno == ENOENT) continue;  // Removed since: nothing is missing.
      AddProblem(entry.path, Error::FromErrno(errno, "read " + PathOf(entry.path)));
      continue;
    }
    const Status uploaded = Upload(entry, context);
    if (uploaded) continue;
    if (IsOfOneFile(uploaded.error().code())) {
      AddProblem(entry.path, uploaded.error());
      continue;
    }
    outcome = uploaded;
    break;
  }
  SetPending(plan);
  // What is gone made room for something newer, which has to be safe first. An empty folder is
  // rather a mistake than a wish.
  const bool may_delete = place_.deletes && outcome && report_.pending.empty() &&
                          !before_.empty() && is_whole_ && was_whole_;
  if (!may_delete) return outcome;
  std::vector<std::string> gone = plan.gone;
  std::erase_if(gone, [this](const std::string& path) { return !IsGone(path); });
  return gone.empty() ? outcome : Delete(gone, context);
}

Status CheckpointSync::Upload(const file::Entry& entry, const CallContext& context) {
  ObjectAttributes attributes;
  attributes.content_type = MediaTypeOf(entry.path);
  attributes.user_metadata[kWrittenName] =
      std::to_string(entry.modified.time_since_epoch().count());
  bool is_given = false;
  const auto items = [&]() -> Result<std::optional<file::UploadItem>> {
    if (std::exchange(is_given, true)) return std::nullopt;
    return file::UploadItem{.path = PathOf(entry.path),
                            .size_bytes = entry.size_bytes,
                            .modified = entry.modified,
                            .bucket = place_.prefix.bucket,
                            .key = place_.prefix.key + entry.path,
                            .attributes = attributes};
  };
  FirstFailure failure;
  const file::TransferReport report = transfer_.Upload(items, failure, context);
  HR_TRY(failure.Outcome(report, "upload " + NameOf(entry.path)));
  stored_[entry.path] = StampOf(entry);
  ++report_.files_uploaded;
  report_.bytes_uploaded += entry.size_bytes;
  return Ok();
}

Status CheckpointSync::Delete(const std::vector<std::string>& gone, const CallContext& context) {
  Mutex mutex;
  std::optional<Error> first;
  std::vector<std::string> deleted;
  const auto on_key = [&](const std::string& key, const Error* error) {
    const MutexLock lock(mutex);
    if (error == nullptr) {
      deleted.push_back(key.substr(place_.prefix.key.size()));
    } else if (!first) {
      first = *error;
    }
  };
  {
    file::BatchDelete deletes(store_, loops_, place_.prefix.bucket, on_key, context);
    for (const std::string& path : gone) deletes.Add(place_.prefix.key + path);
    deletes.Finish();
  }
  for (const std::string& path : deleted) stored_.erase(path);
  report_.objects_deleted += deleted.size();
  if (!first) return Ok();
  return std::unexpected(std::move(*first).While("remove checkpoints whose files are gone"));
}

void CheckpointSync::SetPending(const CheckpointPlan& plan) {
  report_.pending.clear();
  for (const auto* entries : {&plan.uploads, &plan.waiting}) {
    for (const file::Entry& entry : *entries) {
      const auto found = stored_.find(entry.path);
      if (found != stored_.end() && found->second == StampOf(entry)) continue;
      if (access(PathOf(entry.path).c_str(), F_OK) != 0) continue;
      report_.pending.push_back(entry);
    }
  }
}

void CheckpointSync::AddProblem(const std::string& path, const Error& error) {
  if (report_.problems.size() >= kProblemCountMax) return;
  report_.problems.push_back(fmt::format("{}: {}", path, error.message()));
}

}  // namespace headrace::job
