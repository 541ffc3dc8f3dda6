// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/cli/command.h"
#include "headrace/cli/copy_options.h"
#include "headrace/cli/place.h"
#include "headrace/cli/transfer_display.h"
#include "headrace/deliver/file/batch_delete.h"
#include "headrace/deliver/file/entry.h"
#include "headrace/deliver/file/path_filter.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/deliver/file/version_delete.h"
#include "headrace/plan/list_prefix.h"

namespace headrace::cli {

// One run of cp, mv or sync between files and the store, or inside the store: finds what is to be
// copied, transfers it, and removes what is to go.
// Threads: finding runs ahead on a thread of its own; everything else on the thread of Run.
class CopyJob {
 public:
  // `options` and `context` outlive it. One of the places is in the store, neither is a stream.
  CopyJob(CommandContext& context, const CopyOptions& options, ObjectStore& store, Place source,
          Place target);

  Result<ExitCode> Run();

 private:
  // One file or object to copy, or (sync) to delete from the target, which uses `entry` alone.
  // `source` and `target` are paths or keys, as their place is.
  struct Item {
    bool is_deletion = false;
    file::Entry entry;
    std::string source;
    std::string target;
  };
  using Entries = file::ItemSource<file::Entry>;

  bool is_upload() const { return source_.kind == Place::Kind::kLocal; }
  bool is_download() const { return target_.kind == Place::Kind::kLocal; }
  const char* verb() const;

  Status CheckPlaces() const;
  // Where the entries of a recursive run begin: a prefix that is empty or ends with '/', or a path.
  static std::string Root(const Place& place);
  static std::string At(const Place& place, const std::string& root, const std::string& path);
  static std::string Shown(const Place& place, const std::string& name);

  Result<Entries> OneEntry();
  Result<Entries> StoreEntries(const S3Uri& uri, bool is_source);
  Result<Entries> LocalEntries(const std::string& path, bool is_source);
  Result<Entries> EntriesOf(const Place& place, bool is_source);
  Entries Filtered(Entries entries) const;
  Result<file::ItemSource<Item>> Items();
  Result<file::ItemSource<Item>> SyncItems(Entries source);
  // `source` again, once it is known that it does not ask for the whole target's deletion by being
  // empty: a mistyped prefix looks like an empty one.
  Result<Entries> CheckedForDelete(Entries source);
  Result<Item> ItemFor(file::Entry entry) const;
  Step StepFor(const Item& item) const;
  Step DeletionOf(const file::Entry& entry) const;

  // Deletes now, or with the next batch.
  void RemoveFromTarget(const file::Entry& entry);
  // mv: removes the sources of what has arrived since the last call.
  void RemoveArrived();
  void RemoveMovedFile(const Item& item);
  file::BatchDelete& TargetDeletes();
  file::VersionDelete& SourceDeletes();

  std::optional<Error> DryRun(file::ItemSource<Item> items);
  std::optional<Error> Transfer(file::ItemSource<Item> items);
  template <typename TransferItem, typename Convert>
  file::ItemSource<TransferItem> Beginning(file::ItemSource<Item>& items, Convert convert);
  Result<file::UploadItem> UploadOf(const Item& item) const;
  file::CopyItem CopyOf(const Item& item) const;
  void OnItemEnd(size_t index, bool is_done);

  CommandContext& context_;
  const CopyOptions& options_;
  ObjectStore& store_;
  const Place source_;
  const Place target_;
  const file::PathFilter filter_;
  const std::string source_root_;  // Of a recursive run.
  const std::string target_root_;
  TransferDisplay display_;
  std::unique_ptr<file::BatchDelete> target_deletes_;    // sync: what the source does not have.
  std::unique_ptr<file::VersionDelete> source_deletes_;  // mv: what has arrived.
  std::atomic<uint64_t> found_count_ = 0;        // Entries of the source, before the filter.
  std::atomic<bool> is_source_complete_ = true;  // False: something in it could not be walked.

  Mutex mutex_;
  size_t begun_count_ HR_GUARDED_BY(mutex_) = 0;
  std::map<size_t, Item> running_ HR_GUARDED_BY(mutex_);  // mv: begun and not ended.
  std::vector<Item> arrived_ HR_GUARDED_BY(mutex_);       // mv: sources to remove.
};

}  // namespace headrace::cli
