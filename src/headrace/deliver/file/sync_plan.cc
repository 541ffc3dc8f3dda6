// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/sync_plan.h"

#include <chrono>
#include <utility>

namespace headrace::file {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

template <typename Unit>
bool IsWhole(SystemTime time) {
  return time == std::chrono::floor<Unit>(time);
}

// Both times, cut to seconds or milliseconds where one of them carries no more.
std::pair<SystemTime, SystemTime> Comparable(SystemTime a, SystemTime b) {
  if (IsWhole<seconds>(a) || IsWhole<seconds>(b)) {
    return {std::chrono::floor<seconds>(a), std::chrono::floor<seconds>(b)};
  }
  if (IsWhole<milliseconds>(a) || IsWhole<milliseconds>(b)) {
    return {std::chrono::floor<milliseconds>(a), std::chrono::floor<milliseconds>(b)};
  }
  return {a, b};
}

}  // namespace

bool NeedsCopy(const Entry& source, const Entry& target, const SyncOptions& options) {
  if (source.size_bytes != target.size_bytes) return true;
  if (options.size_only) return false;
  const auto [source_time, target_time] = Comparable(source.modified, target.modified);
  return options.exact_timestamps ? source_time != target_time : source_time > target_time;
}

SyncPlan::SyncPlan(ItemSource<Entry> source, ItemSource<Entry> target, SyncOptions options)
    : source_{.entries = std::move(source), .head = {}},
      target_{.entries = std::move(target), .head = {}},
      options_(options) {}

Status SyncPlan::Side::Advance() {
  HR_TRY_ASSIGN(std::optional<Entry> next, entries());
  if (next && head && next->path <= head->path) {
    return Fail(ErrorCode::kInternal,
                "'" + next->path + "' was listed after '" + head->path + "', out of order");
  }
  head = std::move(next);
  return Ok();
}

Result<std::optional<SyncAction>> SyncPlan::Next() {
  if (!has_started_) {
    HR_TRY(source_.Advance());
    HR_TRY(target_.Advance());
    has_started_ = true;
  }
  while (source_.head || target_.head) {
    const bool only_target =
        !source_.head || (target_.head && target_.head->path < source_.head->path);
    if (only_target) {
      Entry entry = *target_.head;
      HR_TRY(target_.Advance());
      if (options_.deletes) {
        return SyncAction{.kind = SyncAction::Kind::kDelete, .entry = std::move(entry)};
      }
      continue;
    }
    const bool in_both = target_.head && target_.head->path == source_.head->path;
    const bool is_copied = !in_both || NeedsCopy(*source_.head, *target_.head, options_);
    Entry entry = *source_.head;
    HR_TRY(source_.Advance());
    if (in_both) HR_TRY(target_.Advance());
    if (is_copied) return SyncAction{.kind = SyncAction::Kind::kCopy, .entry = std::move(entry)};
  }
  return std::nullopt;
}

}  // namespace headrace::file
