// SPDX-License-Identifier: Apache-2.0
// The part of DirectoryCore that lists keys.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/store/directory/directory_core.h"
#include "headrace/store/directory/key_path.h"
#include "headrace/store/directory/key_walk.h"
#include "headrace/store/directory/parallel_for.h"
#include "headrace/store/fail_as.h"

namespace headrace::directory {
namespace {

// A token is the first key that the next page may hold. Opaque to clients, so in hexadecimal
// digits.
std::string TokenOf(std::string_view from) { return HexEncode(AsBytes(from)); }

Result<std::string> FirstKeyOf(const ListRequest& request) {
  std::string from;
  if (!request.continuation_token.empty()) {
    auto decoded = HexDecode(request.continuation_token);
    if (!decoded) {
      return FailAs(ErrorCode::kInvalidArgument,
                    "the continuation token is not one that a listing gave", "InvalidArgument");
    }
    from = std::move(*decoded);
  } else if (!request.start_after.empty()) {
    from = request.start_after + '\0';
  }
  return std::max(from, request.prefix);
}

// The key up to and with the first delimiter behind the prefix; empty: it has none.
std::string_view CommonPrefix(const ListRequest& request, std::string_view key) {
  if (request.delimiter.empty()) return {};
  const size_t found = key.find(request.delimiter, request.prefix.size());
  if (found == std::string_view::npos) return {};
  return key.substr(0, found + request.delimiter.size());
}

// Files of no bytes need no reading.
constexpr std::string_view kMd5OfNothing = "d41d8cd98f00b204e9800998ecf8427e";

}  // namespace

Result<ListPage> DirectoryCore::List(const ListRequest& request, WorkPool& pool) {
  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(request.bucket));
  HR_TRY_ASSIGN(const std::string from, FirstKeyOf(request));
  ListPage page;
  if (request.key_count_max == 0) return page;
  KeyWalk walk(folders_, *objects_, request.bucket, folder.get());
  HR_TRY(walk.Seek(from));
  std::vector<WalkedKey> keys;
  while (true) {
    HR_TRY_ASSIGN(auto next, walk.Next());
    if (!next || !next->key.starts_with(request.prefix)) break;
    if (keys.size() + page.common_prefixes.size() >= request.key_count_max) {
      page.next_token = TokenOf(next->key);
      break;
    }
    const std::string_view common = CommonPrefix(request, next->key);
    if (common.empty()) {
      keys.push_back(std::move(*next));
      continue;
    }
    page.common_prefixes.emplace_back(common);
    const auto after = AfterPrefix(common);
    if (!after) break;
    HR_TRY(walk.Seek(*after));
  }
  HR_TRY(AddObjects({request.bucket, folder.get(), pool}, keys, page));
  return page;
}

std::optional<FileStamp> DirectoryCore::StampOfKey(const ListedBucket& bucket,
                                                   const WalkedKey& key) const {
  struct stat status{};
  if (!key.odd_file.empty()) {
    const std::string path = fmt::format("odd/{}/{}", bucket.name, key.odd_file);
    if (::fstatat(reserved_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  } else {
    if (::fstatat(bucket.folder, key.key.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
    if (S_ISLNK(status.st_mode)) {
      const auto target = OpenFileBeneath(bucket.folder, key.key);
      if (!target || !*target) return {};
      status = (*target)->status;
    }
  }
  if (!S_ISREG(status.st_mode)) return {};
  return StampOf(status);
}

Status DirectoryCore::AddObjects(const ListedBucket& bucket, const std::vector<WalkedKey>& keys,
                                 ListPage& page) {
  std::vector<std::optional<FileStamp>> stamps(keys.size());
  ParallelFor(bucket.pool, keys.size(), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) stamps[i] = StampOfKey(bucket, keys[i]);
  });
  std::vector<ObjectIndex::Wanted> wanted;
  wanted.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!stamps[i]) continue;
    wanted.push_back({.stamp = *stamps[i], .info = {.key = keys[i].key}});
  }
  HR_TRY(objects_->FindMany(bucket.name, wanted));
  HR_TRY(DescribeUnknown(bucket, wanted));
  page.objects.reserve(wanted.size());
  for (ObjectIndex::Wanted& one : wanted) {
    if (one.is_known) page.objects.push_back(std::move(one.info));
  }
  return Ok();
}

// Files put there by hand since the last listing: their ETags are the price of serving a folder as
// it is, so both cores work on a page and the index is told of many pages at once.
Status DirectoryCore::DescribeUnknown(const ListedBucket& bucket,
                                      std::vector<ObjectIndex::Wanted>& wanted) {
  std::vector<ObjectIndex::Wanted*> unknown;
  for (ObjectIndex::Wanted& one : wanted) {
    if (!one.is_known) unknown.push_back(&one);
  }
  if (unknown.empty()) return Ok();
  std::vector<Result<ObjectInfo>> infos(unknown.size());
  ParallelFor(bucket.pool, unknown.size(), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) infos[i] = DescribeListed(bucket, *unknown[i]);
  });
  for (size_t i = 0; i < unknown.size(); ++i) {
    if (!infos[i]) {
      // Gone since it was listed.
      if (infos[i].error().code() == ErrorCode::kNotFound) continue;
      return std::unexpected(std::move(infos[i]).error());
    }
    unknown[i]->info = *std::move(infos[i]);
    unknown[i]->is_known = true;
  }
  return Ok();
}

Result<ObjectInfo> DirectoryCore::DescribeListed(const ListedBucket& bucket,
                                                 const ObjectIndex::Wanted& one) {
  const std::string& key = one.info.key;
  if (one.stamp.size_bytes == 0 && IsPlainPath(key)) {
    return InfoOfUnknown(key, one.stamp, std::string(kMd5OfNothing));
  }
  HR_TRY_ASSIGN(FoundFile found, FindFile(bucket.name, key));
  if (found.record) return found.record->object.head.info;
  // Replaced between the two looks at it, or odd: the index knows.
  if (found.stamp != one.stamp || !found.odd_file.empty()) {
    HR_TRY(Describe(bucket.name, key, found));
    return found.record->object.head.info;
  }
  const MutexLock lock(HashLockOf(found.stamp));
  if (auto cached = objects_->FindCached(bucket.name, key, found.stamp)) {
    return cached->object.head.info;
  }
  HR_TRY_ASSIGN(std::string etag, Md5OfFile(found.file.get()));
  SharedRecord record = RecordOfUnknown(key, found.stamp, std::move(etag));
  HR_TRY(objects_->AddLater(bucket.name, key, record));
  return record->object.head.info;
}

}  // namespace headrace::directory
