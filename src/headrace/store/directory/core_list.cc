// SPDX-License-Identifier: Apache-2.0
// The part of DirectoryCore that lists keys.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/store/directory/directory_core.h"
#include "headrace/store/directory/key_walk.h"

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

}  // namespace

Result<ListPage> DirectoryCore::List(const ListRequest& request) {
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
  HR_TRY(AddObjects(request.bucket, folder.get(), keys, page));
  return page;
}

Status DirectoryCore::AddObjects(const std::string& bucket, int bucket_folder,
                                 const std::vector<WalkedKey>& keys, ListPage& page) {
  std::vector<ObjectIndex::Wanted> wanted;
  wanted.reserve(keys.size());
  for (const WalkedKey& key : keys) {
    struct stat status{};
    if (!key.odd_file.empty()) {
      const std::string path = fmt::format("odd/{}/{}", bucket, key.odd_file);
      if (::fstatat(reserved_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    } else {
      if (::fstatat(bucket_folder, key.key.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISLNK(status.st_mode)) {
        HR_TRY_ASSIGN(const auto target, OpenFileBeneath(bucket_folder, key.key));
        if (!target) continue;
        status = target->status;
      }
    }
    if (!S_ISREG(status.st_mode)) continue;
    wanted.push_back({.key = key.key, .stamp = StampOf(status)});
  }
  HR_TRY(objects_->FindMany(bucket, wanted));
  page.objects.reserve(wanted.size());
  for (ObjectIndex::Wanted& one : wanted) {
    if (!one.record) {
      // Not known, or replaced between the two looks at it.
      auto found = FindAndDescribe(bucket, std::string(one.key));
      if (!found && found.error().code() == ErrorCode::kNotFound) continue;
      if (!found) return std::unexpected(std::move(found).error());
      one.record = std::move(found->record);
    }
    page.objects.push_back(one.record->object.head.info);
  }
  return Ok();
}

}  // namespace headrace::directory
