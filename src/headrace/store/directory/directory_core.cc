// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/directory_core.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "headrace/base/random.h"
#include "headrace/store/directory/key_path.h"
#include "headrace/store/directory/key_walk.h"
#include "headrace/store/fail_as.h"

namespace headrace::directory {
namespace {

constexpr const char* kReservedName = ".headrace";

// Removes folders that hold nothing but folders; false when something else is in them.
bool RemoveEmptyTree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return true;
  const UniqueFd folder(
      ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.is_open()) return false;
  const auto names = NamesIn(folder.get());
  if (!names) return false;
  for (const std::string& inner : *names) {
    if (!RemoveEmptyTree(folder.get(), inner)) return false;
  }
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
}

SystemTime CreationTime(int folder, const std::string& name) {
  struct statx status{};
  if (::statx(folder, name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_MTIME, &status) != 0) {
    return {};
  }
  const auto& time = (status.stx_mask & STATX_BTIME) != 0 ? status.stx_btime : status.stx_mtime;
  return SystemTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

// Removes the files of a folder that no row names.
template <typename Row>
Status RemoveOthers(int folder, const std::vector<Row>& rows, std::string Row::* file) {
  std::unordered_set<std::string_view> known;
  for (const Row& row : rows) known.insert(row.*file);
  HR_TRY_ASSIGN(const auto names, NamesIn(folder));
  for (const std::string& name : names) {
    if (!known.contains(name)) ::unlinkat(folder, name.c_str(), 0);
  }
  return Ok();
}

// The part of a key up to and with the first delimiter behind the prefix; empty: it has none.
std::string CommonPrefix(const ListUploadsRequest& request, std::string_view key) {
  if (request.delimiter.empty() || !key.starts_with(request.prefix)) return {};
  const size_t found = key.find(request.delimiter, request.prefix.size());
  if (found == std::string_view::npos) return {};
  return std::string(key.substr(0, found + request.delimiter.size()));
}

// Of the database's tables; docs/formats/directory-store.md.
constexpr int64_t kDatabaseVersion = 1;

Result<Database> OpenDatabase(const std::string& path, bool syncs) {
  HR_TRY_ASSIGN(Database database, Database::Open(path));
  HR_TRY(database.Execute("PRAGMA journal_mode=WAL"));
  HR_TRY(database.Execute(syncs ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  return database;
}

// A database without a version is new, or of a time before versions were written.
Status CheckVersion(Database& database, const std::string& path) {
  int64_t version = 0;
  {
    HR_TRY_ASSIGN(Statement read, database.Prepare("PRAGMA user_version"));
    HR_TRY(read.Step());
    version = read.Number(0);
  }
  if (version > kDatabaseVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} has format {}, and this headrace knows formats up to {}; serve the "
                            "folder with a newer one",
                            path, version, kDatabaseVersion));
  }
  if (version == kDatabaseVersion) return Ok();
  return database.Execute(fmt::format("PRAGMA user_version={}", kDatabaseVersion));
}

}  // namespace

std::unexpected<Error> NoSuchBucket(const std::string& bucket) {
  return FailAs(ErrorCode::kNotFound, fmt::format("bucket '{}' does not exist", bucket),
                "NoSuchBucket");
}

std::unexpected<Error> NoSuchKey(const std::string& bucket, const std::string& key) {
  return FailAs(ErrorCode::kNotFound, fmt::format("s3://{}/{} does not exist", bucket, key),
                "NoSuchKey");
}

Result<std::unique_ptr<DirectoryCore>> DirectoryCore::Open(const std::string& folder,
                                                           DirectoryStoreOptions options) {
  UniqueFd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return std::unexpected(Error::FromErrno(errno, "open folder " + folder));
  if (::mkdirat(root.get(), kReservedName, 0700) != 0 && errno != EEXIST) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("make {}/.headrace", folder)));
  }
  UniqueFd reserved(
      ::openat(root.get(), kReservedName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!reserved.is_open()) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("open {}/.headrace", folder)));
  }
  // Held until the process ends, however it ends.
  if (::flock(reserved.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kAlreadyExists,
                fmt::format("{} is served by another process; stop that one first", folder));
  }
  HR_TRY_ASSIGN(TemporaryFolder temporary, TemporaryFolder::Open(reserved.get(), "tmp"));
  const std::string path = folder + "/" + kReservedName + "/index.sqlite";
  HR_TRY_ASSIGN(Database writer, OpenDatabase(path, options.durability == Durability::kObject));
  HR_TRY(CheckVersion(writer, path));
  // Parts need not outlive the machine: docs/decisions/0014.
  HR_TRY_ASSIGN(Database uploads, OpenDatabase(path, false));
  std::unique_ptr<DirectoryCore> core(new DirectoryCore(
      options, std::move(root), std::move(reserved), std::move(temporary), std::move(writer)));
  HR_TRY_ASSIGN(core->objects_, ObjectIndex::Open(core->writer_, path));
  HR_TRY_ASSIGN(core->uploads_, UploadIndex::Open(core->writer_, std::move(uploads)));
  HR_TRY(core->CollectLeftovers());
  return core;
}

// A process that was killed can leave part files and odd files that no row names.
Status DirectoryCore::CollectLeftovers() {
  HR_TRY(CollectUploads());
  HR_TRY_ASSIGN(auto parts, MakeFolders(reserved_.get(), "parts", false));
  HR_TRY_ASSIGN(auto odd, MakeFolders(reserved_.get(), "odd", false));
  if (!parts || !odd) return Fail(ErrorCode::kAlreadyExists, ".headrace holds files in the way");
  HR_TRY(CollectParts(parts->get()));
  HR_TRY_ASSIGN(const auto buckets, NamesIn(odd->get()));
  for (const std::string& bucket : buckets) {
    HR_TRY_ASSIGN(auto folder, OpenBeneath(odd->get(), bucket, O_RDONLY | O_DIRECTORY));
    if (!folder) continue;
    HR_TRY_ASSIGN(const auto stored, objects_->ListOdd(bucket, "", SIZE_MAX >> 1U));
    HR_TRY(RemoveOthers(folder->get(), stored, &OddKey::odd_file));
  }
  return Ok();
}

// Uploads that were completed and not yet forgotten: nobody will come for them.
Status DirectoryCore::CollectUploads() {
  HR_TRY_ASSIGN(const auto uploads, uploads_->ListAll());
  for (const MultipartUpload& upload : uploads) {
    const auto found = FindAndDescribe(upload.bucket, upload.key);
    const bool is_completed = found && found->record->object.upload_id == upload.upload_id;
    // Without its bucket, nobody can go on with it; a bucket that cannot be opened now may later.
    const auto bucket = OpenBucket(upload.bucket);
    const bool is_orphan = !bucket && bucket.error().code() == ErrorCode::kNotFound;
    if (is_completed || is_orphan) HR_TRY(uploads_->Drop(upload.upload_id));
  }
  return Ok();
}

Status DirectoryCore::CollectParts(int parts_folder) {
  HR_TRY_ASSIGN(const auto uploads, uploads_->ListAll());
  std::unordered_set<std::string_view> begun;
  for (const MultipartUpload& upload : uploads) begun.insert(upload.upload_id);
  HR_TRY_ASSIGN(const auto upload_ids, NamesIn(parts_folder));
  for (const std::string& id : upload_ids) {
    if (!begun.contains(id)) {
      HR_TRY(ForgetUpload(id));
      continue;
    }
    HR_TRY_ASSIGN(auto folder, OpenBeneath(parts_folder, id, O_RDONLY | O_DIRECTORY));
    if (!folder) continue;
    HR_TRY_ASSIGN(const auto stored, uploads_->Parts(id, 0, UINT32_MAX));
    HR_TRY(RemoveOthers(folder->get(), stored, &StoredPart::file));
  }
  return Ok();
}

Mutex& DirectoryCore::LockOf(const std::string& bucket, const std::string& key) {
  const size_t hash = std::hash<std::string>()(bucket) * 31 + std::hash<std::string>()(key);
  return locks_[hash % locks_.size()];
}

Mutex& DirectoryCore::LockOfUpload(const std::string& upload_id) {
  return upload_locks_[std::hash<std::string>()(upload_id) % upload_locks_.size()];
}

Result<std::vector<BucketInfo>> DirectoryCore::ListBuckets() {
  HR_TRY_ASSIGN(auto names, NamesIn(root_.get()));
  std::ranges::sort(names);
  std::vector<BucketInfo> buckets;
  for (const std::string& name : names) {
    if (!OpenBucket(name)) continue;
    buckets.push_back({.name = name, .created = CreationTime(root_.get(), name)});
  }
  return buckets;
}

Status DirectoryCore::CreateBucket(const std::string& bucket) {
  if (!IsValidBucketName(bucket)) {
    return FailAs(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' cannot name a bucket: 3 to 63 letters, digits, '.' or '-'", bucket),
        "InvalidBucketName");
  }
  if (::mkdirat(root_.get(), bucket.c_str(), 0777) != 0) {
    if (errno == EEXIST) {
      return FailAs(ErrorCode::kAlreadyExists, fmt::format("bucket '{}' exists", bucket),
                    "BucketAlreadyOwnedByYou");
    }
    return std::unexpected(Error::FromErrno(errno, fmt::format("make bucket '{}'", bucket)));
  }
  return syncs() ? SyncFolder(root_.get()) : Ok();
}

Result<UniqueFd> DirectoryCore::OpenBucket(const std::string& bucket) {
  if (!IsValidBucketName(bucket)) return NoSuchBucket(bucket);
  UniqueFd folder(
      ::openat(root_.get(), bucket.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.is_open()) return folder;
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return NoSuchBucket(bucket);
  return std::unexpected(Error::FromErrno(errno, fmt::format("open bucket '{}'", bucket)));
}

Status DirectoryCore::DeleteBucket(const std::string& bucket) {
  HR_TRY_ASSIGN(const UniqueFd folder, OpenBucket(bucket));
  KeyWalk walk(folders_, *objects_, bucket, folder.get());
  HR_TRY(walk.Seek(""));
  HR_TRY_ASSIGN(const auto first, walk.Next());
  if (first || !RemoveEmptyTree(root_.get(), bucket)) {
    return FailAs(ErrorCode::kAlreadyExists, fmt::format("bucket '{}' is not empty", bucket),
                  "BucketNotEmpty");
  }
  HR_TRY(DropUploads(bucket));
  return objects_->DropBucket(bucket);
}

// S3 deletes a bucket whatever uploads were begun in it.
Status DirectoryCore::DropUploads(const std::string& bucket) {
  HR_TRY_ASSIGN(const auto uploads, uploads_->List(bucket, "", {}, UINT32_MAX));
  for (const UploadInfo& one : uploads) {
    const MutexLock lock(LockOfUpload(one.upload.upload_id));
    HR_TRY(ForgetUpload(one.upload.upload_id));
  }
  return Ok();
}

Result<ListUploadsPage> DirectoryCore::ListUploads(const ListUploadsRequest& request) {
  HR_TRY(OpenBucket(request.bucket));
  ListUploadsPage page;
  if (request.count_max == 0) return page;
  UploadPosition position{.key_from = request.key_after,
                          .upload_id_after = request.upload_id_after};
  // No id sorts after this one: a key marker alone means keys after it.
  constexpr const char* kAfterAllIds = "\x7f";
  if (request.upload_id_after.empty() && !request.key_after.empty()) {
    position.upload_id_after = kAfterAllIds;
    // A marker that is a common prefix, or below one, stands for all keys of that prefix.
    const std::string common = CommonPrefix(request, request.key_after);
    if (const auto after = AfterPrefix(common)) position = {.key_from = *after};
  }
  while (true) {
    const auto room = request.count_max -
                      static_cast<uint32_t>(page.uploads.size() + page.common_prefixes.size());
    HR_TRY_ASSIGN(auto uploads, uploads_->List(request.bucket, request.prefix, position, room + 1));
    bool jumped = false;
    for (UploadInfo& upload : uploads) {
      if (page.uploads.size() + page.common_prefixes.size() == request.count_max) {
        page.is_truncated = true;
        return page;
      }
      std::string common = CommonPrefix(request, upload.upload.key);
      if (common.empty()) {
        position = {.key_from = upload.upload.key, .upload_id_after = upload.upload.upload_id};
        page.uploads.push_back(std::move(upload));
        continue;
      }
      const auto after = AfterPrefix(common);
      page.common_prefixes.push_back(std::move(common));
      if (!after) return page;
      position = {.key_from = *after};
      jumped = true;
      break;
    }
    if (!jumped) return page;
  }
}

Result<ListPartsPage> DirectoryCore::ListParts(const ListPartsRequest& request) {
  HR_TRY_ASSIGN(StoredUpload upload, FindUpload(request.upload));
  HR_TRY_ASSIGN(auto parts, uploads_->Parts(request.upload.upload_id, request.number_after,
                                            request.count_max + 1));
  ListPartsPage page;
  page.upload = std::move(upload.info);
  // Whoever asks for none is not told to ask again.
  page.is_truncated = request.count_max > 0 && parts.size() > request.count_max;
  if (parts.size() > request.count_max) parts.resize(request.count_max);
  for (StoredPart& part : parts) page.parts.push_back(std::move(part.info));
  return page;
}

}  // namespace headrace::directory
