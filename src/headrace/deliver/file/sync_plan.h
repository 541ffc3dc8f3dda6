// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/base/error.h"
#include "headrace/deliver/file/entry.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::file {

struct SyncOptions {
  // Entries of one size are equal, whatever their times.
  bool size_only = false;
  // Any difference in time counts, not only a newer source.
  bool exact_timestamps = false;
  // Entries that only the target has are to be removed.
  bool deletes = false;
};

// True when `source` has to be copied over `target`: another size, or a newer source. A time
// without a fraction of a second stands for its whole second, and one without a fraction of a
// millisecond for its whole millisecond: stores and file systems round down. Pure.
bool NeedsCopy(const Entry& source, const Entry& target, const SyncOptions& options);

struct SyncAction {
  enum class Kind { kCopy, kDelete };
  Kind kind = Kind::kCopy;
  Entry entry;  // The source's to copy, the target's to delete.

  bool operator==(const SyncAction&) const = default;
};

// Merges two streams of entries, each in strictly ascending byte order of paths, into what makes
// the target like the source; holds two entries at a time. A stream out of order ends it with
// kInternal, because entries would be deleted wrongly. Otherwise pure.
class SyncPlan {
 public:
  SyncPlan(ItemSource<Entry> source, ItemSource<Entry> target, SyncOptions options);

  // The next action in order of paths; nothing at the end.
  Result<std::optional<SyncAction>> Next();

 private:
  struct Side {
    ItemSource<Entry> entries;
    std::optional<Entry> head;
    Status Advance();
  };

  Side source_;
  Side target_;
  SyncOptions options_;
  bool has_started_ = false;
};

}  // namespace headrace::file
