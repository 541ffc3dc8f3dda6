// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/store/directory/object_record.h"
#include "headrace/store/directory/sqlite.h"

namespace headrace::directory {

// One database connection and the lock that takes turns on it. SQLite works under that lock: the
// connection has no other way to be shared.
struct SharedDatabase {
  explicit SharedDatabase(Database opened) : database(std::move(opened)) {}
  Mutex mutex;
  Database database HR_GUARDED_BY(mutex);
};

// A key that is stored under a name of its own, see docs/formats/directory-store.md.
struct OddKey {
  std::string key;
  std::string odd_file;
};

// Remembers ETags, metadata and the names of odd keys. A record belongs to one state of one file:
// it counts only while the file's stamp is the record's, so that a file changed by hand is never
// shown with the ETag of what it was. A bounded cache keeps the database off the read path.
//
// Threads: all methods may be called at once from any thread.
class ObjectIndex {
 public:
  // Opens or makes the tables. `writer` outlives the index; `path` is the same database's file.
  ~ObjectIndex();
  static Result<std::unique_ptr<ObjectIndex>> Open(SharedDatabase& writer, const std::string& path);

  // Null: this state of the file is not known yet.
  Result<SharedRecord> Find(const std::string& bucket, const std::string& key,
                            const FileStamp& stamp);
  // The cache alone; null: not there.
  SharedRecord FindCached(const std::string& bucket, const std::string& key,
                          const FileStamp& stamp);
  // What a listing tells of many keys of one bucket, in ascending order: one walk through the
  // table.
  struct Wanted {
    FileStamp stamp;
    ObjectInfo info;        // Its key is given, the rest is filled in.
    bool is_known = false;  // True: there is a record of this state of the file.
  };
  Status FindMany(const std::string& bucket, std::span<Wanted> wanted);

  // Adds a record beside the ones of other states of the key's file.
  Status Add(const std::string& bucket, const std::string& key, SharedRecord record);
  // Adds a record that may as well be lost: it is kept in memory first and written with many
  // others, now and then and at the end.
  Status AddLater(const std::string& bucket, const std::string& key, SharedRecord record);
  Status WritePending();
  // Forgets all states of the key but the one of `inode`.
  Status KeepOnly(const std::string& bucket, const std::string& key, uint64_t inode);
  // Adds the record in the place of all others, in one step.
  Status Replace(const std::string& bucket, const std::string& key, SharedRecord record);
  Status Drop(const std::string& bucket, const std::string& key);
  Status DropBucket(const std::string& bucket);

  // Empty: the key has no odd file.
  Result<std::string> FindOdd(const std::string& bucket, const std::string& key);
  // Odd keys of the bucket from `from` on, in byte order.
  Result<std::vector<OddKey>> ListOdd(const std::string& bucket, std::string_view from,
                                      size_t count_max);

 private:
  ObjectIndex(SharedDatabase& writer, Database reader, Database walker)
      : writer_(writer), reader_(std::move(reader)), walker_(std::move(walker)) {}
  Status PrepareStatements();
  Status PrepareWalks();
  Status RunAdd(Statement& statement, const std::string& bucket, const std::string& key,
                const ObjectRecord& record) HR_REQUIRES(writer_.mutex);
  // Only where the table has no row of this state: one with attributes must not be lost.
  struct Pending {
    std::string bucket;
    std::string key;
    SharedRecord record;
  };
  void DropPending(const std::string& name) HR_EXCLUDES(pending_mutex_);
  void Cache(const std::string& bucket, const std::string& key, SharedRecord record);
  void Forget(const std::string& bucket, const std::string& key);

  // Keys spread over a few small caches, so that loops seldom meet at one lock.
  struct CacheShard {
    Mutex mutex;
    std::unordered_map<std::string, SharedRecord> records HR_GUARDED_BY(mutex);
  };
  static constexpr size_t kCacheShardCount = 16;
  // About 500 bytes each: 32 MiB in all.
  static constexpr size_t kRecordsPerShardMax = 4096;
  CacheShard& ShardOf(const std::string& name);

  SharedDatabase& writer_;
  Statement add_ HR_GUARDED_BY(writer_.mutex);
  Statement keep_only_ HR_GUARDED_BY(writer_.mutex);
  Statement drop_ HR_GUARDED_BY(writer_.mutex);
  Statement drop_bucket_ HR_GUARDED_BY(writer_.mutex);

  SharedDatabase reader_;
  Statement find_ HR_GUARDED_BY(reader_.mutex);
  Statement find_odd_ HR_GUARDED_BY(reader_.mutex);

  // For listings, whose thousand rows at a time nobody who opens an object should wait for.
  SharedDatabase walker_;
  Statement find_from_ HR_GUARDED_BY(walker_.mutex);
  Statement list_odd_ HR_GUARDED_BY(walker_.mutex);

  Statement add_new_ HR_GUARDED_BY(writer_.mutex);
  // About 600 bytes each: 5 MiB.
  static constexpr size_t kPendingMax = 8192;
  Mutex pending_mutex_;  // Taken after the writer's.
  std::unordered_map<std::string, Pending> pending_ HR_GUARDED_BY(pending_mutex_);

  // False: no key was ever odd, and looking for one costs nothing.
  std::atomic<bool> has_odd_ = false;
  std::array<CacheShard, kCacheShardCount> cache_;
};

}  // namespace headrace::directory
