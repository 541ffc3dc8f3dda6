// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/copy_job.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/cli/look_up.h"
#include "headrace/cli/print.h"
#include "headrace/deliver/file/local_tree.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/deliver/file/remove_below.h"
#include "headrace/deliver/file/sync_plan.h"
#include "headrace/plan/key_path.h"

namespace headrace::cli {
namespace {

using file::Entry;
using file::ItemSource;

bool IsFolder(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<Entry> LocalEntry(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("read {}", path)));
  }
  if (S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is a folder: add --recursive", path));
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no plain file: pipe it in and use - as the source", path));
  }
  return Entry{.path = std::string(LastPart(path)),
               .size_bytes = static_cast<uint64_t>(status.st_size),
               .modified = ModifiedOf(status),
               .etag = {}};
}

template <typename T>
ItemSource<T> OneOf(T item) {
  return [item = std::optional<T>(std::move(item))]() mutable -> Result<std::optional<T>> {
    return std::exchange(item, std::nullopt);
  };
}

// Why an object cannot be a file: what the checker said, or nothing, which is a folder's name.
Error NoFileError(Result<std::optional<std::string>> path, const std::string& uri) {
  if (!path) return std::move(path).error();
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: has bytes and a name that ends in '/', so it can be no file", uri)};
}

}  // namespace

CopyJob::CopyJob(CommandContext& context, const CopyOptions& options, ObjectStore& store,
                 Place source, Place target)
    : context_(context),
      options_(options),
      store_(store),
      source_(std::move(source)),
      target_(std::move(target)),
      filter_(options.filters.Filter()),
      source_root_(Root(source_)),
      target_root_(Root(target_)),
      display_(context,
               options.kind == CopyKind::kCopy   ? "cp"
               : options.kind == CopyKind::kMove ? "mv"
                                                 : "sync",
               {.shows_progress = options.shows_progress && !options.is_dry_run,
                .on_item_end = [this](size_t index, bool is_done) { OnItemEnd(index, is_done); }}) {
}

const char* CopyJob::verb() const {
  if (options_.kind == CopyKind::kMove) return "move";
  return is_upload() ? "upload" : is_download() ? "download" : "copy";
}

std::string CopyJob::Root(const Place& place) {
  return place.kind == Place::Kind::kStore ? FolderPrefix(place.uri.key) : place.path;
}

std::string CopyJob::At(const Place& place, const std::string& root, const std::string& path) {
  return place.kind == Place::Kind::kStore ? root + path : PathBelow(root, path);
}

std::string CopyJob::Shown(const Place& place, const std::string& name) {
  return place.kind == Place::Kind::kStore ? FormatS3Uri(place.uri.bucket, name) : name;
}

Status CopyJob::CheckPlaces() const {
  const bool is_inside_store = !is_upload() && !is_download();
  if (!is_inside_store) return Ok();
  const S3Uri from{source_.uri.bucket, options_.is_recursive ? source_root_ : source_.uri.key};
  const S3Uri to{target_.uri.bucket,
                 options_.is_recursive
                     ? target_root_
                     : SingleTargetKey(target_.uri.key, LastPart(source_.uri.key))};
  const Overlap overlap = OverlapOf(from, to);
  if (overlap == Overlap::kSame) {
    // Copying a place onto itself does nothing; moving it would lose it.
    if (!options_.attributes.is_any_given()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' and '{}' are the same place",
                                                           options_.source, options_.target));
    }
    if (options_.kind == CopyKind::kMove) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' cannot be moved onto itself: use cp", options_.source));
    }
    return Ok();
  }
  if (!options_.is_recursive || overlap == Overlap::kNone) return Ok();
  // Objects would be replaced before they are read, or removed as what was moved or is too much.
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' and '{}' lie one inside the other: go by way of a third place",
                          options_.source, options_.target));
}

Result<ExitCode> CopyJob::Run() {
  HR_TRY(CheckPlaces());
  HR_TRY_ASSIGN(ItemSource<Item> items, Items());
  std::optional<Error> whole =
      options_.is_dry_run ? DryRun(std::move(items)) : Transfer(std::move(items));
  const bool has_nothing = found_count_ == 0 && !is_upload() && display_.failed_count() == 0;
  const std::string nothing = fmt::format("no object under {}", Shown(source_, source_root_));
  if (!whole && has_nothing && options_.kind != CopyKind::kSync) {
    whole = Error(ErrorCode::kNotFound, nothing);
  }
  Result<ExitCode> ended = display_.Finish(whole);
  // As the AWS CLI has it this is a success, but a mistyped prefix should not go unseen.
  if (ended && has_nothing && !context_.options().is_quiet) {
    PrintShown(context_.world().err, fmt::format("headrace sync: {}", nothing));
  }
  return ended;
}

Result<CopyJob::Entries> CopyJob::OneEntry() {
  if (is_upload()) {
    HR_TRY_ASSIGN(Entry entry, LocalEntry(source_.path));
    return OneOf(std::move(entry));
  }
  const std::string& key = source_.uri.key;
  const std::string name(LastPart(key));
  if (name.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is a folder: add --recursive", options_.source));
  }
  if (is_download()) {
    HR_TRY(plan::KeyPath(key.substr(0, key.size() - name.size()), key));
  }
  HR_TRY_ASSIGN(ObjectHead head, LookUp(context_, store_, source_.uri));
  return OneOf(Entry{.path = name,
                     .size_bytes = head.info.size_bytes,
                     .modified = head.info.modified,
                     .etag = std::move(head.info.etag)});
}

Result<CopyJob::Entries> CopyJob::StoreEntries(const S3Uri& uri, bool is_source) {
  const std::string prefix = FolderPrefix(uri.key);
  const bool faces_files = is_upload() || is_download();
  auto objects = std::make_unique<plan::PrefixStream>(
      store_, context_.loops(), plan::ListSource{.bucket = uri.bucket, .prefix = prefix},
      plan::ListOptions{}, context_.call());
  // Only what is written to disk has to be fit for it.
  std::optional<plan::KeyPathChecker> checker;
  if (is_source && is_download()) checker.emplace(prefix);
  return [this, is_source, faces_files, prefix, checker = std::move(checker), bucket = uri.bucket,
          objects = std::move(objects)]() mutable -> Result<std::optional<Entry>> {
    while (true) {
      HR_TRY_ASSIGN(std::optional<ObjectInfo> object, objects->Next());
      if (!object) return std::nullopt;
      if (is_source) ++found_count_;
      // A folder marker has no counterpart among files.
      if (faces_files && object->key.ends_with('/') && object->size_bytes == 0) continue;
      Entry entry{.path = object->key.substr(prefix.size()),
                  .size_bytes = object->size_bytes,
                  .modified = object->modified,
                  .etag = std::move(object->etag)};
      if (!checker || !filter_.Includes(entry.path)) return entry;
      Result<std::optional<std::string>> path = checker->Next(object->key);
      if (path.has_value() && *path) {
        entry.path = **std::move(path);
        return entry;
      }
      const std::string shown = FormatS3Uri(bucket, plan::ShownKey(object->key));
      const Error error = NoFileError(std::move(path), shown);
      display_.OnFailed(
          {.verb = "download", .source = shown, .target = {}, .size_bytes = object->size_bytes},
          error);
    }
  };
}

Result<CopyJob::Entries> CopyJob::LocalEntries(const std::string& path, bool is_source) {
  struct stat status{};
  if (!is_source && stat(path.c_str(), &status) != 0 && errno == ENOENT) {
    return []() -> Result<std::optional<Entry>> { return std::nullopt; };
  }
  if (!is_source && !options_.is_dry_run) {
    file::RemovePartialFiles(path, context_.world().clock->WallNow() - file::kPartialAge);
  }
  const file::LocalTreeOptions options{.follow_symlinks = options_.follows_symlinks};
  const auto on_problem = [this, path, is_source](const std::string& below, const Error& error) {
    if (!is_source || !filter_.Includes(below)) return;
    is_source_complete_ = false;
    display_.OnFailed(
        {.verb = verb(), .source = PathBelow(path, below), .target = {}, .size_bytes = 0}, error);
  };
  HR_TRY_ASSIGN(file::LocalTree opened, file::LocalTree::Open(path, options, on_problem));
  auto tree = std::make_unique<file::LocalTree>(std::move(opened));
  return [this, is_source, tree = std::move(tree)]() -> Result<std::optional<Entry>> {
    std::optional<Entry> entry = tree->Next();
    if (entry && is_source) ++found_count_;
    return entry;
  };
}

Result<CopyJob::Entries> CopyJob::EntriesOf(const Place& place, bool is_source) {
  return place.kind == Place::Kind::kStore ? StoreEntries(place.uri, is_source)
                                           : LocalEntries(place.path, is_source);
}

CopyJob::Entries CopyJob::Filtered(Entries entries) const {
  return [this, entries = std::move(entries)]() mutable -> Result<std::optional<Entry>> {
    while (true) {
      HR_TRY_ASSIGN(std::optional<Entry> entry, entries());
      if (!entry || filter_.Includes(entry->path)) return entry;
    }
  };
}

Result<ItemSource<CopyJob::Item>> CopyJob::Items() {
  if (!options_.is_recursive) found_count_ = 1;
  HR_TRY_ASSIGN(Entries found, options_.is_recursive ? EntriesOf(source_, true) : OneEntry());
  Entries source = Filtered(std::move(found));
  if (options_.kind == CopyKind::kSync) return SyncItems(std::move(source));
  return [this, source = std::move(source)]() mutable -> Result<std::optional<Item>> {
    HR_TRY_ASSIGN(std::optional<Entry> entry, source());
    if (!entry) return std::nullopt;
    return ItemFor(*std::move(entry));
  };
}

Result<CopyJob::Entries> CopyJob::CheckedForDelete(Entries source) {
  const bool is_at_risk = options_.sync.deletes && !options_.allows_empty_source && !is_upload();
  if (!is_at_risk) return source;
  HR_TRY_ASSIGN(std::optional<Entry> first, source());
  if (!first && found_count_ == 0) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no object under {}: --delete would remove all of '{}'; add "
                            "--allow-empty-source if that is meant",
                            Shown(source_, source_root_), options_.target));
  }
  return [first = std::move(first),
          source = std::move(source)]() mutable -> Result<std::optional<Entry>> {
    if (first) return std::exchange(first, std::nullopt);
    return source();
  };
}

Result<ItemSource<CopyJob::Item>> CopyJob::SyncItems(Entries source) {
  HR_TRY_ASSIGN(source, CheckedForDelete(std::move(source)));
  HR_TRY_ASSIGN(Entries target, EntriesOf(target_, false));
  auto plan = std::make_unique<file::SyncPlan>(std::move(source), Filtered(std::move(target)),
                                               options_.sync);
  return [this, plan = std::move(plan)]() -> Result<std::optional<Item>> {
    while (true) {
      HR_TRY_ASSIGN(std::optional<file::SyncAction> action, plan->Next());
      if (!action) return std::nullopt;
      if (action->kind == file::SyncAction::Kind::kCopy) return ItemFor(std::move(action->entry));
      if (is_download() && file::IsBehindLink(target_root_, action->entry.path)) continue;
      // What could not be walked may hold the very file: then nothing more is known to be gone.
      if (!is_source_complete_) continue;
      return Item{
          .is_deletion = true, .entry = std::move(action->entry), .source = {}, .target = {}};
    }
  };
}

Result<CopyJob::Item> CopyJob::ItemFor(Entry entry) const {
  Item item{.entry = std::move(entry), .source = {}, .target = {}};
  if (options_.is_recursive) {
    item.source = At(source_, source_root_, item.entry.path);
    item.target = At(target_, target_root_, item.entry.path);
    return item;
  }
  item.source = is_upload() ? source_.path : source_.uri.key;
  if (!is_download()) {
    item.target = SingleTargetKey(target_.uri.key, item.entry.path);
  } else if (target_.path.ends_with('/') || IsFolder(target_.path)) {
    item.target = PathBelow(target_.path, item.entry.path);
  } else {
    item.target = target_.path;
  }
  return item;
}

Step CopyJob::DeletionOf(const Entry& entry) const {
  return {.verb = "delete",
          .source = Shown(target_, At(target_, target_root_, entry.path)),
          .target = {},
          .size_bytes = entry.size_bytes};
}

Step CopyJob::StepFor(const Item& item) const {
  return {.verb = verb(),
          .source = Shown(source_, item.source),
          .target = Shown(target_, item.target),
          .size_bytes = item.entry.size_bytes};
}

std::optional<Error> CopyJob::DryRun(ItemSource<Item> items) {
  while (true) {
    Result<std::optional<Item>> item = items();
    if (!item.has_value()) return item.error();
    if (!*item) return std::nullopt;
    display_.OnWouldDo((*item)->is_deletion ? DeletionOf((*item)->entry) : StepFor(**item));
  }
}

}  // namespace headrace::cli
