// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "headrace/base/mutex.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {
namespace {

using fetch::Part;
using fetch::PlannedRead;

// One file being written. It finishes once: after its read has ended and its last part is written.
struct FileJob {
  FileJob(DownloadItem download, size_t item_index)
      : item(std::move(download)), index(item_index) {}

  const DownloadItem item;
  const size_t index;

  Mutex mutex;
  std::optional<PartialFile> file HR_GUARDED_BY(mutex);
  std::optional<Error> failure HR_GUARDED_BY(mutex);
  // One for the read's end, one for each part not yet written.
  std::atomic<size_t> open_count = 1;

  void Fail(Error error) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (!failure) failure = std::move(error);
  }
};

// Turns parts into files on the work pool.
class FileSink final : public fetch::PartSink {
 public:
  FileSink(WorkPool& files, const TransferOptions& options, TransferObserver& observer,
           Tally& tally)
      : files_(files), options_(options), observer_(observer), tally_(tally) {}

  void Add(std::shared_ptr<FileJob> job) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++unfinished_;
    jobs_.emplace(job->index, std::move(job));
  }

  void OnPart(Part part) override {
    std::shared_ptr<FileJob> job = Find(part.read_index);
    job->open_count.fetch_add(1);
    files_.Post([this, job = std::move(job), part = std::move(part)]() mutable {
      Write(*job, std::move(part));
      Close(job);
    });
  }

  void OnReadEnd(size_t read_index, Status status) override {
    std::shared_ptr<FileJob> job = Take(read_index);
    if (!status) job->Fail(std::move(status).error());
    if (job->open_count.fetch_sub(1) == 1) {
      files_.Post([this, job = std::move(job)] { Finish(*job); });
    }
  }

  // Parts that come again are written over the damaged ones.
  bool MayGiveAgain(size_t /*read_index*/) override { return true; }

  void WaitForAll() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (unfinished_ > 0) finished_.Wait(mutex_);
  }

 private:
  std::shared_ptr<FileJob> Find(size_t index) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return jobs_.at(index);
  }
  std::shared_ptr<FileJob> Take(size_t index) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    auto node = jobs_.extract(index);
    return std::move(node.mapped());
  }

  void Write(FileJob& job, Part part) {
    PartialFile* file = nullptr;
    {
      const MutexLock lock(job.mutex);
      if (job.failure) return;
      if (job.file) file = &*job.file;
    }
    if (file == nullptr) {
      auto opened = Open(job);
      if (!opened) return job.Fail(std::move(opened).error());
      file = *opened;
    }
    const auto bytes = part.bytes.span();
    if (auto written = file->WriteAt(bytes, part.offset); !written) {
      return job.Fail(std::move(written).error());
    }
    observer_.OnBytes(bytes.size());
  }

  // The job's file, made by whichever part comes first.
  Result<PartialFile*> Open(FileJob& job) {
    HR_TRY_ASSIGN(PartialFile made, PartialFile::Create(job.item.path));
    PartialFile* file = nullptr;
    {
      const MutexLock lock(job.mutex);
      if (job.file) return &*job.file;
      file = &job.file.emplace(std::move(made));
    }
    // Only for the file that stays: two at once need room for two.
    if (job.item.size_bytes > options_.part_size_bytes) {
      HR_TRY(file->Reserve(job.item.size_bytes));
    }
    return file;
  }

  void Close(const std::shared_ptr<FileJob>& job) {
    if (job->open_count.fetch_sub(1) == 1) Finish(*job);
  }

  Status Commit(FileJob& job) {
    {
      const MutexLock lock(job.mutex);
      if (job.failure) return std::unexpected(*job.failure);
    }
    HR_TRY_ASSIGN(PartialFile* const file, ExistingOrNew(job));
    return file->Commit(job.item.size_bytes, job.item.modified, options_.sync_files);
  }

  // An empty object had no part that could have made its file.
  Result<PartialFile*> ExistingOrNew(FileJob& job) {
    {
      const MutexLock lock(job.mutex);
      if (job.file) return &*job.file;
    }
    return Open(job);
  }

  void Finish(FileJob& job) HR_EXCLUDES(mutex_) {
    const Status committed = Commit(job);
    {
      const MutexLock lock(job.mutex);
      job.file.reset();
    }
    if (committed) {
      tally_.Done(job.index, job.item.size_bytes);
    } else {
      tally_.Failed(job.index, committed.error());
    }
    // Notified under the lock: the waiter may destroy the sink as soon as it sees zero.
    const MutexLock lock(mutex_);
    if (--unfinished_ == 0) finished_.NotifyAll();
  }

  WorkPool& files_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  Tally& tally_;
  Mutex mutex_;
  CondVar finished_;
  // Files whose read has not ended: at most a window of them.
  std::map<size_t, std::shared_ptr<FileJob>> jobs_ HR_GUARDED_BY(mutex_);
  size_t unfinished_ HR_GUARDED_BY(mutex_) = 0;
};

PlannedRead PlanOf(const DownloadItem& item) {
  return {.bucket = item.bucket,
          .key = item.key,
          .object_size_bytes = item.size_bytes,
          .etag = item.etag,
          .range = {.begin = 0, .end = item.size_bytes}};
}

}  // namespace

TransferReport Transfer::Download(ItemSource<DownloadItem> source, TransferObserver& observer,
                                  const CallContext& context) {
  Tally tally(observer);
  FileSink sink(state_->files, state_->options, observer, tally);
  size_t index = 0;
  auto reads = [&]() -> Result<std::optional<PlannedRead>> {
    HR_TRY(StillWanted(context));
    HR_TRY_ASSIGN(std::optional<DownloadItem> item, source());
    if (!item) return std::optional<PlannedRead>();
    PlannedRead planned = PlanOf(*item);
    sink.Add(std::make_shared<FileJob>(std::move(*item), index++));
    return std::optional<PlannedRead>(std::move(planned));
  };
  Status outcome = state_->fetcher.Run(std::move(reads), sink, context);
  sink.WaitForAll();
  return tally.Report(std::move(outcome));
}

}  // namespace headrace::file
