// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/object_index.h"

#include <fmt/format.h>

namespace headrace::directory {
namespace {

// `path` is the key; a BLOB compares by bytes, as S3 orders keys. The primary key holds the inode
// so that the record of a new file can stand beside the old one's until the rename.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS objects(
  bucket TEXT NOT NULL, path BLOB NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL, etag TEXT NOT NULL, odd_file TEXT NOT NULL, extras TEXT NOT NULL,
  PRIMARY KEY(bucket, path, inode)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS odd_objects ON objects(bucket, path) WHERE odd_file <> '';
)";
constexpr std::string_view kColumns = "path, inode, size, modified_ns, etag, odd_file, extras";

// A page's keys seldom have more than a few other rows between them; past this many a new search is
// cheaper than reading on.
constexpr int kRowsSkippedMax = 32;

Result<SharedRecord> ReadRow(const Statement& row, std::string_view key) {
  auto record = std::make_shared<ObjectRecord>();
  record->stamp = {.inode = static_cast<uint64_t>(row.Number(1)),
                   .size_bytes = static_cast<uint64_t>(row.Number(2)),
                   .modified_ns = row.Number(3)};
  record->odd_file = row.Text(5);
  ServedObject& object = record->object;
  object.head.info.key = key;
  object.head.info.size_bytes = record->stamp.size_bytes;
  object.head.info.etag = row.Text(4);
  object.head.info.modified = TimeOf(record->stamp);
  HR_TRY(DecodeExtras(row.Text(6), object));
  object.head.info.storage_class = object.head.attributes.storage_class;
  return record;
}

// What a listing tells. The attributes hold nothing of it but the storage class, which is rare.
Status ReadListed(const Statement& row, ObjectIndex::Wanted& one) {
  one.info.size_bytes = one.stamp.size_bytes;
  one.info.etag = row.Text(4);
  one.info.modified = TimeOf(one.stamp);
  one.is_known = true;
  const std::string_view extras = row.Text(6);
  if (extras.find("storage_class") == std::string_view::npos) return Ok();
  ServedObject object;
  HR_TRY(DecodeExtras(extras, object));
  one.info.storage_class = std::move(object.head.attributes.storage_class);
  return Ok();
}

FileStamp StampOfRow(const Statement& row) {
  return {.inode = static_cast<uint64_t>(row.Number(1)),
          .size_bytes = static_cast<uint64_t>(row.Number(2)),
          .modified_ns = row.Number(3)};
}

std::string CacheName(const std::string& bucket, const std::string& key) {
  std::string name;
  name.reserve(bucket.size() + 1 + key.size());
  return name.append(bucket).append("/").append(key);
}

}  // namespace

Result<std::unique_ptr<ObjectIndex>> ObjectIndex::Open(SharedDatabase& writer,
                                                       const std::string& path) {
  {
    const MutexLock lock(writer.mutex);
    HR_TRY(writer.database.Execute(kSchema));
  }
  HR_TRY_ASSIGN(Database reader, Database::Open(path));
  HR_TRY_ASSIGN(Database walker, Database::Open(path));
  std::unique_ptr<ObjectIndex> index(new ObjectIndex(writer, std::move(reader), std::move(walker)));
  HR_TRY(index->PrepareStatements());
  return index;
}

Status ObjectIndex::PrepareStatements() {
  {
    const MutexLock lock(writer_.mutex);
    Database& database = writer_.database;
    HR_TRY_ASSIGN(
        add_, database.Prepare(fmt::format(
                  "INSERT OR REPLACE INTO objects(bucket, {}) VALUES(?,?,?,?,?,?,?,?)", kColumns)));
    HR_TRY_ASSIGN(
        add_new_,
        database.Prepare(fmt::format(
            "INSERT INTO objects(bucket, {}) VALUES(?,?,?,?,?,?,?,?) "
            "ON CONFLICT DO UPDATE SET size=excluded.size, modified_ns=excluded.modified_ns, "
            "etag=excluded.etag, odd_file=excluded.odd_file, extras=excluded.extras "
            "WHERE size<>excluded.size OR modified_ns<>excluded.modified_ns",
            kColumns)));
    HR_TRY_ASSIGN(keep_only_,
                  database.Prepare("DELETE FROM objects WHERE bucket=? AND path=? AND inode<>?"));
    HR_TRY_ASSIGN(drop_, database.Prepare("DELETE FROM objects WHERE bucket=? AND path=?"));
    HR_TRY_ASSIGN(drop_bucket_, database.Prepare("DELETE FROM objects WHERE bucket=?"));
  }
  HR_TRY(PrepareWalks());
  const MutexLock lock(reader_.mutex);
  Database& database = reader_.database;
  HR_TRY_ASSIGN(find_,
                database.Prepare(fmt::format(
                    "SELECT {} FROM objects WHERE bucket=? AND path=? AND inode=?", kColumns)));
  HR_TRY_ASSIGN(find_odd_, database.Prepare("SELECT odd_file FROM objects WHERE bucket=? AND "
                                            "path=? AND odd_file<>''"));
  HR_TRY_ASSIGN(Statement any,
                database.Prepare("SELECT 1 FROM objects WHERE odd_file<>'' LIMIT 1"));
  HR_TRY_ASSIGN(const bool has_odd, any.Step());
  has_odd_ = has_odd;
  return Ok();
}

Status ObjectIndex::PrepareWalks() {
  const MutexLock lock(walker_.mutex);
  Database& database = walker_.database;
  HR_TRY_ASSIGN(find_from_,
                database.Prepare(fmt::format("SELECT {} FROM objects WHERE bucket=? AND path>=? "
                                             "ORDER BY path, inode",
                                             kColumns)));
  HR_TRY_ASSIGN(list_odd_, database.Prepare("SELECT path, odd_file FROM objects WHERE bucket=? AND "
                                            "path>=? AND odd_file<>'' ORDER BY path LIMIT ?"));
  return Ok();
}

ObjectIndex::CacheShard& ObjectIndex::ShardOf(const std::string& name) {
  return cache_[std::hash<std::string>()(name) % kCacheShardCount];
}

void ObjectIndex::Cache(const std::string& bucket, const std::string& key, SharedRecord record) {
  std::string name = CacheName(bucket, key);
  CacheShard& shard = ShardOf(name);
  const MutexLock lock(shard.mutex);
  // Any victim will do: the map's order has nothing to do with use.
  if (shard.records.size() >= kRecordsPerShardMax) shard.records.erase(shard.records.begin());
  shard.records[std::move(name)] = std::move(record);
}

void ObjectIndex::Forget(const std::string& bucket, const std::string& key) {
  const std::string name = CacheName(bucket, key);
  DropPending(name);
  CacheShard& shard = ShardOf(name);
  const MutexLock lock(shard.mutex);
  shard.records.erase(name);
}

void ObjectIndex::DropPending(const std::string& name) {
  const MutexLock lock(pending_mutex_);
  pending_.erase(name);
}

SharedRecord ObjectIndex::FindCached(const std::string& bucket, const std::string& key,
                                     const FileStamp& stamp) {
  const std::string name = CacheName(bucket, key);
  CacheShard& shard = ShardOf(name);
  const MutexLock lock(shard.mutex);
  const auto found = shard.records.find(name);
  if (found == shard.records.end() || found->second->stamp != stamp) return nullptr;
  return found->second;
}

Result<SharedRecord> ObjectIndex::Find(const std::string& bucket, const std::string& key,
                                       const FileStamp& stamp) {
  if (SharedRecord cached = FindCached(bucket, key, stamp)) return cached;
  SharedRecord record;
  {
    const MutexLock lock(reader_.mutex);
    const ResetAtEnd reset(find_);
    find_.BindText(1, bucket);
    find_.BindBytes(2, key);
    find_.BindNumber(3, static_cast<int64_t>(stamp.inode));
    HR_TRY_ASSIGN(const bool is_there, find_.Step());
    if (!is_there || StampOfRow(find_) != stamp) return SharedRecord();
    HR_TRY_ASSIGN(record, ReadRow(find_, key));
  }
  Cache(bucket, key, record);
  return record;
}

Status ObjectIndex::FindMany(const std::string& bucket, std::span<Wanted> wanted) {
  const MutexLock lock(walker_.mutex);
  const ResetAtEnd reset(find_from_);
  bool is_searching = false;
  for (Wanted& one : wanted) {
    int skipped = 0;
    bool has_row = is_searching;
    while (true) {
      if (!is_searching || ++skipped > kRowsSkippedMax) {
        find_from_.Reset();
        find_from_.BindText(1, bucket);
        find_from_.BindBytes(2, one.info.key);
        is_searching = true;
        skipped = 0;
        HR_TRY_ASSIGN(has_row, find_from_.Step());
      }
      if (!has_row) break;
      const std::string_view key = find_from_.Text(0);
      if (key > one.info.key) break;
      if (key == one.info.key && StampOfRow(find_from_) == one.stamp) {
        HR_TRY(ReadListed(find_from_, one));
        break;
      }
      HR_TRY_ASSIGN(has_row, find_from_.Step());
    }
    if (!has_row) break;
  }
  return Ok();
}

Status ObjectIndex::RunAdd(Statement& add, const std::string& bucket, const std::string& key,
                           const ObjectRecord& record) {
  const std::string extras = EncodeExtras(record.object);
  add.BindText(1, bucket);
  add.BindBytes(2, key);
  add.BindNumber(3, static_cast<int64_t>(record.stamp.inode));
  add.BindNumber(4, static_cast<int64_t>(record.stamp.size_bytes));
  add.BindNumber(5, record.stamp.modified_ns);
  add.BindText(6, record.object.head.info.etag);
  add.BindText(7, record.odd_file);
  add.BindText(8, extras);
  if (!record.odd_file.empty()) has_odd_ = true;
  return add.Run();
}

Status ObjectIndex::Add(const std::string& bucket, const std::string& key, SharedRecord record) {
  {
    const MutexLock lock(writer_.mutex);
    // The new file may have the inode of one that is gone, and a record of that one, written later,
    // would take this one's place.
    DropPending(CacheName(bucket, key));
    HR_TRY(RunAdd(add_, bucket, key, *record));
  }
  Cache(bucket, key, std::move(record));
  return Ok();
}

Status ObjectIndex::AddLater(const std::string& bucket, const std::string& key,
                             SharedRecord record) {
  Cache(bucket, key, record);
  {
    const MutexLock lock(pending_mutex_);
    pending_.insert_or_assign(CacheName(bucket, key), Pending{bucket, key, std::move(record)});
    if (pending_.size() < kPendingMax) return Ok();
  }
  return WritePending();
}

Status ObjectIndex::WritePending() {
  // Taken first, so that no newer record of a key comes between.
  const MutexLock lock(writer_.mutex);
  std::unordered_map<std::string, Pending> records;
  {
    const MutexLock pending_lock(pending_mutex_);
    records.swap(pending_);
  }
  if (records.empty()) return Ok();
  HR_TRY_ASSIGN(Transaction transaction, Transaction::Begin(writer_.database));
  for (const auto& [name, one] : records) {
    HR_TRY(RunAdd(add_new_, one.bucket, one.key, *one.record));
  }
  return transaction.Commit();
}

ObjectIndex::~ObjectIndex() { (void)WritePending(); }

Status ObjectIndex::KeepOnly(const std::string& bucket, const std::string& key, uint64_t inode) {
  const MutexLock lock(writer_.mutex);
  keep_only_.BindText(1, bucket);
  keep_only_.BindBytes(2, key);
  keep_only_.BindNumber(3, static_cast<int64_t>(inode));
  return keep_only_.Run();
}

Status ObjectIndex::Replace(const std::string& bucket, const std::string& key,
                            SharedRecord record) {
  {
    const MutexLock lock(writer_.mutex);
    DropPending(CacheName(bucket, key));
    HR_TRY_ASSIGN(Transaction transaction, Transaction::Begin(writer_.database));
    drop_.BindText(1, bucket);
    drop_.BindBytes(2, key);
    HR_TRY(drop_.Run());
    HR_TRY(RunAdd(add_, bucket, key, *record));
    HR_TRY(transaction.Commit());
  }
  Cache(bucket, key, std::move(record));
  return Ok();
}

Status ObjectIndex::Drop(const std::string& bucket, const std::string& key) {
  Forget(bucket, key);
  const MutexLock lock(writer_.mutex);
  drop_.BindText(1, bucket);
  drop_.BindBytes(2, key);
  return drop_.Run();
}

Status ObjectIndex::DropBucket(const std::string& bucket) {
  const MutexLock lock(writer_.mutex);
  drop_bucket_.BindText(1, bucket);
  return drop_bucket_.Run();
}

Result<std::string> ObjectIndex::FindOdd(const std::string& bucket, const std::string& key) {
  if (!has_odd_) return std::string();
  const MutexLock lock(reader_.mutex);
  const ResetAtEnd reset(find_odd_);
  find_odd_.BindText(1, bucket);
  find_odd_.BindBytes(2, key);
  HR_TRY_ASSIGN(const bool is_there, find_odd_.Step());
  return is_there ? std::string(find_odd_.Text(0)) : std::string();
}

Result<std::vector<OddKey>> ObjectIndex::ListOdd(const std::string& bucket, std::string_view from,
                                                 size_t count_max) {
  std::vector<OddKey> keys;
  if (!has_odd_) return keys;
  const MutexLock lock(walker_.mutex);
  const ResetAtEnd reset(list_odd_);
  list_odd_.BindText(1, bucket);
  list_odd_.BindBytes(2, from);
  list_odd_.BindNumber(3, static_cast<int64_t>(count_max));
  while (true) {
    HR_TRY_ASSIGN(const bool is_there, list_odd_.Step());
    if (!is_there) return keys;
    keys.push_back(
        {.key = std::string(list_odd_.Text(0)), .odd_file = std::string(list_odd_.Text(1))});
  }
}

}  // namespace headrace::directory
