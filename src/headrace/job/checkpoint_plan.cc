// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_plan.h"

#include <algorithm>
#include <tuple>

#include "headrace/deliver/file/sync_plan.h"

namespace headrace::job {
namespace {

bool IsStored(const file::Entry& entry, const StoredFiles& stored) {
  const auto found = stored.find(entry.path);
  return found != stored.end() && found->second == StampOf(entry);
}

bool WasWrittenBefore(const file::Entry& a, const file::Entry& b) {
  return std::tie(a.modified, b.size_bytes, a.path) < std::tie(b.modified, a.size_bytes, b.path);
}

}  // namespace

const file::Entry* FindEntry(std::span<const file::Entry> look, const std::string& path) {
  const auto found = std::ranges::lower_bound(look, path, {}, &file::Entry::path);
  return found != look.end() && found->path == path ? &*found : nullptr;
}

CheckpointPlan PlanCheckpoint(std::span<const file::Entry> before, std::span<const file::Entry> now,
                              const StoredFiles& stored) {
  CheckpointPlan plan;
  std::vector<file::Entry> changed;
  for (const file::Entry& entry : now) {
    if (!IsStored(entry, stored)) changed.push_back(entry);
  }
  std::ranges::sort(changed, WasWrittenBefore);
  const auto is_open = [before](const file::Entry& entry) {
    const file::Entry* earlier = FindEntry(before, entry.path);
    return earlier == nullptr || StampOf(*earlier) != StampOf(entry);
  };
  const auto first_open = std::ranges::find_if(changed, is_open);
  plan.uploads.assign(changed.begin(), first_open);
  plan.waiting.assign(first_open, changed.end());
  for (const auto& [path, stamp] : stored) {
    if (FindEntry(now, path) == nullptr && FindEntry(before, path) == nullptr)
      plan.gone.push_back(path);
  }
  return plan;
}

RestoreStep PlanRestore(const file::Entry& object, const file::Entry* file) {
  if (file == nullptr) return RestoreStep::kDownload;
  const bool object_is_newer =
      file::NeedsCopy({.path = {}, .size_bytes = 0, .modified = object.modified, .etag = {}},
                      {.path = {}, .size_bytes = 0, .modified = file->modified, .etag = {}}, {});
  if (object_is_newer) return RestoreStep::kDownload;
  const bool file_is_newer =
      file::NeedsCopy({.path = {}, .size_bytes = 0, .modified = file->modified, .etag = {}},
                      {.path = {}, .size_bytes = 0, .modified = object.modified, .etag = {}}, {});
  if (file_is_newer) return RestoreStep::kKeepNewer;
  return object.size_bytes == file->size_bytes ? RestoreStep::kSame : RestoreStep::kDownload;
}

}  // namespace headrace::job
