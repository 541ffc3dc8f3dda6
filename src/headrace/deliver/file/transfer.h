// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/metrics.h"
#include "headrace/fetch/memory_budget.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

struct TransferOptions {
  // Objects above this are moved in ranges or parts of this size: the cost-optimal request size of
  // S3.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Of downloads, all as fetch::FetchOptions has it: what is asked for and not written yet counts
  // against the process's memory, and how many requests that takes is found by measuring.
  std::shared_ptr<fetch::MemoryBudget> memory;
  uint64_t memory_bytes_max = 0;
  uint64_t requests_in_flight_max = 1024;
  uint64_t target_bytes_per_second = 0;
  // Buffers in use at once by all uploads,
  uint64_t upload_memory_bytes_max = 128ULL << 20U;
  // and requests in flight at once of uploads and copies; the memory limit is reached first for
  // large files.
  size_t upload_requests_max = 64;
  // Threads that create, write and rename files (or read them), beside the event loops; as many
  // large objects are downloaded side by side, and begun anew by who was interrupted.
  size_t file_threads = 2;
  // Compare whole-object checksums where the store sends them.
  bool verify_checksums = true;
  // fsync each file and its folder before it counts as done.
  bool sync_files = false;
};

struct DownloadItem {
  std::string bucket;
  std::string key;
  uint64_t size_bytes = 0;
  std::string etag;  // Pinned: another version ends the item with kPreconditionFailed. Empty: any.
  SystemTime modified{};  // Becomes the file's mtime; the epoch: left as it is.
  std::string path;       // Folders on the way are made. Appears, complete, by rename.
};
struct UploadItem {
  std::string path;
  uint64_t size_bytes = 0;  // A file that has another size by then fails its item.
  // A file that is written to before its last byte was read fails its item with
  // kPreconditionFailed, and no object appears. The epoch: the time it has when it is opened.
  SystemTime modified{};
  std::string bucket;
  std::string key;
  ObjectAttributes attributes;
};
// Makes a copy's attributes from its source's. Threads: called on event loops, several at once;
// must be quick.
using AttributeChange = std::function<Result<ObjectAttributes>(ObjectAttributes source)>;
struct CopyItem {
  std::string source_bucket;
  std::string source_key;
  uint64_t size_bytes = 0;
  std::string source_etag;
  std::string bucket;
  std::string key;
  // Null: the source's are kept. Otherwise a HEAD of the source comes first, in the item's own
  // request slot.
  AttributeChange change_attributes;
};

// Gives the next item, nothing at the end, or an error that ends the transfer (a listing that
// failed). Called on the thread that called the transfer; may block.
template <typename Item>
using ItemSource = std::move_only_function<Result<std::optional<Item>>()>;

// Hears how a transfer goes. Threads: called from several threads at once; must be quick.
// `index` counts the items in the order the source gave them.
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  virtual void OnBytes(uint64_t size_bytes) = 0;  // More bytes moved.
  virtual void OnItemDone(size_t index) = 0;
  virtual void OnItemFailed(size_t index, const Error& error) = 0;
};

struct TransferReport {
  uint64_t items_done = 0;
  uint64_t items_failed = 0;
  uint64_t bytes = 0;  // Of items done.
  // What ended the transfer as a whole (the source failed, cancelled); nothing: it went to its end.
  std::optional<Error> error;
};

// Moves many objects between a store and files, or between two places in a store. One failed item
// does not stop the others. Files appear by rename once complete and verified; uploads in parts are
// aborted when they fail. Retries are the store's.
//
// Threads: one method at a time; each blocks its thread, which must not be an event loop, until all
// is done. Cancelled through `context.stop`: running items end soon and leave no temporary file
// behind. Lifetime: store and loops outlive it.
class Transfer {
 public:
  Transfer(ObjectStore& store, EventLoops& loops, TransferOptions options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  TransferReport Download(ItemSource<DownloadItem> source, TransferObserver& observer,
                          const CallContext& context);
  TransferReport Upload(ItemSource<UploadItem> source, TransferObserver& observer,
                        const CallContext& context);
  TransferReport Copy(ItemSource<CopyItem> source, TransferObserver& observer,
                      const CallContext& context);
  // What downloads have counted (fetch/fetch_metrics.h). May be called at any time.
  MetricsSnapshot metrics() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace headrace::file
