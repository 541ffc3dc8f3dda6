// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/base/media_type.h"
#include "headrace/cli/copy_job.h"
#include "headrace/cli/engine_options.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/deliver/file/read_ahead.h"
#include "headrace/deliver/file/remove_below.h"

namespace headrace::cli {
namespace {

// How far finding runs ahead of copying: totals are known early for all but the largest jobs, in
// some 20 MiB of names.
constexpr size_t kItemsAheadMax = 32'768;
constexpr std::string_view kRemoveVerb = "remove the source of move";

Error ChangedWhileMoved(const std::string& name) {
  return {ErrorCode::kPreconditionFailed,
          fmt::format("{} changed while it was moved: it stays; run again", name)};
}

}  // namespace

template <typename TransferItem, typename Convert>
file::ItemSource<TransferItem> CopyJob::Beginning(file::ItemSource<Item>& items, Convert convert) {
  return [this, &items, convert]() -> Result<std::optional<TransferItem>> {
    while (true) {
      RemoveArrived();
      HR_TRY_ASSIGN(std::optional<Item> item, items());
      if (!item) return std::nullopt;
      if (item->is_deletion) {
        // Nothing more goes once the run is broken off.
        if (context_.call().stop.stop_requested()) {
          return Fail(ErrorCode::kCancelled, "sync was interrupted");
        }
        RemoveFromTarget(item->entry);
        continue;
      }
      Result<TransferItem> converted = convert(*item);
      if (!converted.has_value()) {
        display_.OnFailed(StepFor(*item), converted.error());
        continue;
      }
      display_.OnBegin(StepFor(*item));
      if (options_.kind == CopyKind::kMove) {
        const MutexLock lock(mutex_);
        running_.emplace(begun_count_++, *std::move(item));
      }
      return *std::move(converted);
    }
  };
}

std::optional<Error> CopyJob::Transfer(file::ItemSource<Item> items) {
  file::ReadAhead<Item> ahead(std::move(items), kItemsAheadMax, [this](const Item* item) {
    if (item == nullptr) {
      display_.OnAllFound();
    } else {
      display_.OnFound(item->is_deletion ? 0 : item->entry.size_bytes);
    }
  });
  file::ItemSource<Item> next = [&ahead] { return ahead.Next(); };
  file::TransferOptions options = TransferOptionsFor(context_);
  // What was moved is nowhere else.
  options.sync_files = options_.kind == CopyKind::kMove;
  file::Transfer transfer(store_, context_.loops(), std::move(options));
  const CallContext call = context_.call();
  file::TransferReport report;
  if (is_upload()) {
    report = transfer.Upload(
        Beginning<file::UploadItem>(next, [this](const Item& item) { return UploadOf(item); }),
        display_, call);
  } else if (is_download()) {
    file::PartialSweep sweep(context_.world().clock->WallNow() - file::kPartialAge);
    const auto convert = [this, &sweep](const Item& item) -> Result<file::DownloadItem> {
      // A sync has swept its whole target. For one file alone, reading a large folder would take
      // longer than it.
      if (options_.kind != CopyKind::kSync && options_.is_recursive) sweep.Before(item.target);
      return file::DownloadItem{.bucket = source_.uri.bucket,
                                .key = item.source,
                                .size_bytes = item.entry.size_bytes,
                                .etag = item.entry.etag,
                                .modified = item.entry.modified,
                                .path = item.target};
    };
    report = transfer.Download(Beginning<file::DownloadItem>(next, convert), display_, call);
  } else {
    report = transfer.Copy(
        Beginning<file::CopyItem>(
            next, [this](const Item& item) -> Result<file::CopyItem> { return CopyOf(item); }),
        display_, call);
  }
  RemoveArrived();
  if (source_deletes_) source_deletes_->Finish();
  if (target_deletes_) target_deletes_->Finish();
  return report.error;
}

Result<file::UploadItem> CopyJob::UploadOf(const Item& item) const {
  ObjectAttributes base;
  if (options_.guesses_content_type) base.content_type = MediaTypeOf(item.entry.path);
  HR_TRY_ASSIGN(ObjectAttributes attributes, options_.attributes.Over(std::move(base)));
  return file::UploadItem{.path = item.source,
                          .size_bytes = item.entry.size_bytes,
                          .bucket = target_.uri.bucket,
                          .key = item.target,
                          .attributes = std::move(attributes)};
}

file::CopyItem CopyJob::CopyOf(const Item& item) const {
  file::CopyItem copy{.source_bucket = source_.uri.bucket,
                      .source_key = item.source,
                      .size_bytes = item.entry.size_bytes,
                      .source_etag = item.entry.etag,
                      .bucket = target_.uri.bucket,
                      .key = item.target,
                      .change_attributes = {}};
  if (options_.attributes.is_any_given()) {
    copy.change_attributes = [this](ObjectAttributes source) {
      return options_.attributes.Over(std::move(source));
    };
  }
  return copy;
}

file::BatchDelete& CopyJob::TargetDeletes() {
  if (!target_deletes_) {
    const auto on_key = [this](const std::string& key, const Error* error) {
      const Step step{
          .verb = "delete", .source = Shown(target_, key), .target = {}, .size_bytes = 0};
      if (error != nullptr) {
        display_.OnFailed(step, *error);
      } else {
        display_.OnDone(step);
      }
    };
    target_deletes_ = std::make_unique<file::BatchDelete>(
        store_, context_.loops(), target_.uri.bucket, on_key, context_.call());
  }
  return *target_deletes_;
}

file::VersionDelete& CopyJob::SourceDeletes() {
  if (!source_deletes_) {
    const auto on_key = [this](const std::string& key, const Error* error) {
      if (error == nullptr) return;
      const Step step{
          .verb = kRemoveVerb, .source = Shown(source_, key), .target = {}, .size_bytes = 0};
      const bool is_other_version = error->code() == ErrorCode::kPreconditionFailed;
      display_.OnFailed(step, is_other_version ? ChangedWhileMoved(step.source) : *error);
    };
    source_deletes_ = std::make_unique<file::VersionDelete>(
        store_, context_.loops(), source_.uri.bucket, on_key, context_.call());
  }
  return *source_deletes_;
}

void CopyJob::RemoveFromTarget(const file::Entry& entry) {
  display_.AwaitRoom();
  if (target_.kind == Place::Kind::kStore) {
    TargetDeletes().Add(At(target_, target_root_, entry.path));
    return;
  }
  const Step step = DeletionOf(entry);
  if (const Status removed = file::RemoveBelow(target_root_, entry.path); !removed) {
    display_.OnFailed(step, removed.error());
    return;
  }
  display_.OnDone(step);
}

void CopyJob::OnItemEnd(size_t index, bool is_done) {
  if (options_.kind != CopyKind::kMove) return;
  const MutexLock lock(mutex_);
  auto item = running_.extract(index);
  if (is_done) arrived_.push_back(std::move(item.mapped()));
}

void CopyJob::RemoveArrived() {
  std::vector<Item> arrived;
  {
    const MutexLock lock(mutex_);
    arrived = std::exchange(arrived_, {});
  }
  for (const Item& item : arrived) {
    if (source_.kind == Place::Kind::kStore) {
      SourceDeletes().Add(item.source, item.entry.etag);
    } else {
      RemoveMovedFile(item);
    }
  }
}

void CopyJob::RemoveMovedFile(const Item& item) {
  const Step step{.verb = kRemoveVerb,
                  .source = item.source,
                  .target = {},
                  .size_bytes = item.entry.size_bytes};
  struct stat status{};
  if (stat(item.source.c_str(), &status) != 0) return;  // Gone already.
  if (ModifiedOf(status) != item.entry.modified) {
    display_.OnFailed(step, ChangedWhileMoved(item.source));
  } else if (unlink(item.source.c_str()) != 0) {
    display_.OnFailed(step, Error::FromErrno(errno, fmt::format("delete {}", item.source)));
  }
}

}  // namespace headrace::cli
