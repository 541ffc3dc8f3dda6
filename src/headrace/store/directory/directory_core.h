// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "headrace/base/mutex.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/directory/folder_cache.h"
#include "headrace/store/directory/folder_files.h"
#include "headrace/store/directory/object_index.h"
#include "headrace/store/directory/upload_index.h"

namespace headrace::directory {

// An object's bytes, received and not yet visible.
struct ReceivedBytes {
  TemporaryFile file;
  uint64_t size_bytes = 0;
  std::string etag;
  std::optional<Checksum> checksum;
};

// What a commit makes of received bytes.
struct Commit {
  std::string bucket;
  std::string key;
  Conditions conditions;
  ServedObject object;  // Without size and time, which the file gives.
};

// A key's file, open, and what the cache knows about it.
struct FoundFile {
  UniqueFd file;
  FileStamp stamp;
  std::string odd_file;
  SharedRecord record;  // Null: not cached; Describe finds it.
};

struct WalkedKey;

// The blocking work of a DirectoryStore.
// Threads: all methods may be called at once from any thread. Those not said to be quick block on
// the disk or on the index.
class DirectoryCore {
 public:
  static Result<std::unique_ptr<DirectoryCore>> Open(const std::string& folder,
                                                     DirectoryStoreOptions options);

  bool syncs() const { return options_.durability == Durability::kObject; }
  Etags etags() const { return options_.etags; }

  Result<std::vector<BucketInfo>> ListBuckets();
  Status CreateBucket(const std::string& bucket);
  // Quick. kNotFound: no such bucket.
  Result<UniqueFd> OpenBucket(const std::string& bucket);
  Status DeleteBucket(const std::string& bucket);

  // The pool helps; the caller may be one of its threads.
  Result<ListPage> List(const ListRequest& request, WorkPool& pool);

  // Quick unless an odd key is asked for. kNotFound: no such bucket or key.
  Result<FoundFile> FindFile(const std::string& bucket, const std::string& key);
  // Completes `found`: from the index or, for a file that it does not know, by reading it. Of a
  // file that was replaced meanwhile it becomes the one that is there now; kNotFound: none is.
  Status Describe(const std::string& bucket, const std::string& key, FoundFile& found);
  // Quick. Null: what is cached is of no file of this stamp.
  SharedRecord FindCached(const HeadRequest& request, const FileStamp& stamp) {
    return objects_->FindCached(request.bucket, request.key, stamp);
  }
  Result<FoundFile> FindAndDescribe(const std::string& bucket, const std::string& key);

  // Quick. For the bytes of an object, or of a part of an upload. kNotFound: no such bucket.
  Result<TemporaryFile> MakeFile(const std::string& bucket, const std::string& key);
  Result<TemporaryFile> MakePartFile(const std::string& upload_id);

  Result<PutResult> Put(const Commit& commit, ReceivedBytes received);
  Result<PutResult> Copy(const CopyRequest& request);
  Status Delete(const std::string& bucket, const std::string& key, const Conditions& conditions);
  Status Rename(const RenameRequest& request);
  Result<PutResult> Append(const AppendRequest& request, ReceivedBytes received);
  Status PutTags(const HeadRequest& request, const std::map<std::string, std::string>& tags);

  Result<MultipartUpload> CreateUpload(const CreateMultipartRequest& request);
  // kNotFound (NoSuchUpload) for an upload that is not there.
  Result<StoredUpload> FindUpload(const MultipartUpload& upload);
  Result<PartInfo> PutPart(const MultipartUpload& upload, uint32_t part_number,
                           ReceivedBytes received);
  Result<PartInfo> CopyPart(const CopyPartRequest& request);
  Result<PutResult> CompleteUpload(const CompleteMultipartRequest& request);
  Status AbortUpload(const MultipartUpload& upload);
  Result<ListUploadsPage> ListUploads(const ListUploadsRequest& request);
  Result<ListPartsPage> ListParts(const ListPartsRequest& request);

 private:
  DirectoryCore(DirectoryStoreOptions options, UniqueFd root, UniqueFd reserved,
                TemporaryFolder temporary, Database writer)
      : options_(options),
        root_(std::move(root)),
        reserved_(std::move(reserved)),
        temporary_(std::move(temporary)),
        writer_(std::move(writer)),
        folders_(options.folder_cache_bytes, HasFineTimes(temporary_.folder())) {}

  Result<std::optional<FoundFile>> FindOddFile(const std::string& bucket, const std::string& key);
  Status CheckConditions(const Commit& commit);
  // Under the lock of the commit's key; so is the one of Delete.
  Result<PutResult> PutLocked(const Commit& commit, ReceivedBytes received);
  Status DeleteLocked(const std::string& bucket, const std::string& key,
                      const Conditions& conditions);
  // True: the file is at its key's path. False: something is in the way there.
  Result<bool> PlaceAtPath(int bucket_folder, const Commit& commit, TemporaryFile& file,
                           const SharedRecord& record);
  Status PlaceAside(const Commit& commit, TemporaryFile& file, const SharedRecord& record);
  void RemoveOddFile(const std::string& bucket, const std::string& odd_file);
  // The bucket being listed.
  struct ListedBucket {
    const std::string& name;
    int folder;
    WorkPool& pool;
  };
  Status AddObjects(const ListedBucket& bucket, const std::vector<WalkedKey>& keys, ListPage& page);
  // Nothing: it is no file any more.
  std::optional<FileStamp> StampOfKey(const ListedBucket& bucket, const WalkedKey& key) const;
  Status DescribeUnknown(const ListedBucket& bucket, std::vector<ObjectIndex::Wanted>& wanted);
  Result<ObjectInfo> DescribeListed(const ListedBucket& bucket, const ObjectIndex::Wanted& one);
  Status AddUnknown(const std::string& bucket, const std::string& key, FoundFile& found);
  Status CollectLeftovers();
  Status CollectUploads();
  Status CollectParts(int parts_folder);
  Status DropUploads(const std::string& bucket);
  // Its rows, its parts and their folder.
  Status ForgetUpload(const std::string& upload_id);
  // The result of a completion that this one repeats; nothing: it is none.
  Result<std::optional<PutResult>> FindCompleted(const CompleteMultipartRequest& request);
  Result<std::vector<StoredPart>> ChooseParts(const CompleteMultipartRequest& request);
  Status CheckSurvivor(const StoredPart& part, int file) const;
  Result<ReceivedBytes> Assemble(const std::string& upload_id,
                                 const std::vector<StoredPart>& parts);

  // Writers of one key take turns: conditions are tested and the file and its records replaced as
  // one step. Held over I/O on purpose; keys share locks by hash, readers take none.
  Mutex& LockOf(const std::string& bucket, const std::string& key);
  Mutex& LockOfUpload(const std::string& upload_id);
  // Who computes a file's ETag; whoever wants the same one waits for it.
  Mutex& HashLockOf(const FileStamp& stamp) {
    return hash_locks_[stamp.inode % hash_locks_.size()];
  }

  const DirectoryStoreOptions options_;
  const UniqueFd root_;
  const UniqueFd reserved_;  // DIR/.headrace
  TemporaryFolder temporary_;
  SharedDatabase writer_;
  std::unique_ptr<ObjectIndex> objects_;
  std::unique_ptr<UploadIndex> uploads_;
  FolderCache folders_;
  // So many that keys seldom share one with a key whose object is being summed or appended to: that
  // takes seconds a GiB, and where nothing is flushed event loops take these locks.
  std::array<Mutex, 1024> locks_;
  // The same for uploads. Taken before a key's lock, never after one.
  std::array<Mutex, 1024> upload_locks_;
  std::array<Mutex, 64> hash_locks_;  // Taken last.
};

// KeyTooLongError, InvalidURI.
Status CheckKey(const std::string& key);
std::unexpected<Error> NoSuchBucket(const std::string& bucket);
std::unexpected<Error> NoSuchKey(const std::string& bucket, const std::string& key);

}  // namespace headrace::directory
