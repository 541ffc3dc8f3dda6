// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/file_sink.h"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

namespace headrace::file {

// One file being written. It finishes once: after its read has ended and its last part is written.
struct FileSink::FileJob {
  FileJob(DownloadItem download, size_t item_index)
      : item(std::move(download)), index(item_index) {}

  const DownloadItem item;
  const size_t index;

  Mutex mutex;
  // Fetched and not yet taken up by the writer: they hold a share of the memory budget.
  std::vector<fetch::Part> unwritten HR_GUARDED_BY(mutex);
  bool has_writer HR_GUARDED_BY(mutex) = false;
  std::optional<PartialFile> file HR_GUARDED_BY(mutex);  // Made by the writer, or at the end.
  std::optional<Error> failure HR_GUARDED_BY(mutex);
  // Its bytes were damaged and come again for another job, which tells the item's end.
  bool is_replaced HR_GUARDED_BY(mutex) = false;
  // The job that this one replaces, until its room on the disk is given back.
  std::shared_ptr<FileJob> damaged HR_GUARDED_BY(mutex);
  // One for the read's end (of a damaged job: for the one that replaces it), one for each part not
  // yet written.
  std::atomic<size_t> open_count = 1;

  void Fail(Error error) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (!failure) failure = std::move(error);
  }
  // False: it has failed by itself, which bytes that come again would not mend.
  bool Replace() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (failure) return false;
    is_replaced = true;
    return true;
  }
  // True: the caller brings a writer for it; otherwise the file's own comes to it.
  bool Enqueue(fetch::Part part) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    unwritten.push_back(std::move(part));
    return !std::exchange(has_writer, true);
  }
  // The writer's next turn: one part to write, or, of a file that has failed or is replaced, all
  // of them to drop.
  struct Turn {
    std::optional<fetch::Part> part;
    size_t part_count = 1;
  };
  Turn TakeTurn() HR_EXCLUDES(mutex) {
    // Ends after the lock: the memory goes to whoever waits for it.
    std::vector<fetch::Part> dropped;
    const MutexLock lock(mutex);
    if (failure || is_replaced) {
      dropped.swap(unwritten);
      return {.part = std::nullopt, .part_count = dropped.size()};
    }
    Turn turn{.part = std::move(unwritten.front())};
    unwritten.erase(unwritten.begin());
    return turn;
  }
  // After each turn. False: none is left, and the writer goes.
  bool HasMoreParts() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    has_writer = !unwritten.empty();
    return has_writer;
  }
};

FileSink::FileSink(WorkPool& files, const TransferOptions& options, TransferObserver& observer,
                   Tally& tally)
    : files_(files), options_(options), observer_(observer), tally_(tally) {}

FileSink::~FileSink() = default;

void FileSink::Add(DownloadItem item, size_t read_index) {
  auto job = std::make_shared<FileJob>(std::move(item), read_index);
  const MutexLock lock(mutex_);
  ++unfinished_;
  jobs_.emplace(read_index, std::move(job));
}

void FileSink::OnPart(fetch::Part part) {
  std::shared_ptr<FileJob> job = Find(part.read_index);
  job->open_count.fetch_add(1);
  if (job->Enqueue(std::move(part))) PostWriter(std::move(job));
}

// One part and to the end of the queue, so that many files go on side by side.
void FileSink::PostWriter(std::shared_ptr<FileJob> job) {
  files_.Post([this, job = std::move(job)]() mutable {
    FileJob::Turn turn = job->TakeTurn();
    if (turn.part) Write(*job, *std::exchange(turn.part, std::nullopt));
    if (job->HasMoreParts()) PostWriter(job);
    if (job->open_count.fetch_sub(turn.part_count) == turn.part_count) Finish(*job);
  });
}

void FileSink::OnReadEnd(size_t read_index, Status status) {
  std::shared_ptr<FileJob> job = Take(read_index);
  if (!status) job->Fail(std::move(status).error());
  if (job->open_count.fetch_sub(1) == 1) {
    files_.Post([this, job = std::move(job)] { Finish(*job); });
  }
}

bool FileSink::MayGiveAgain(size_t read_index) {
  std::shared_ptr<FileJob> damaged = Find(read_index);
  if (!damaged->Replace()) return false;
  auto job = std::make_shared<FileJob>(damaged->item, read_index);
  {
    const MutexLock lock(job->mutex);
    job->damaged = std::move(damaged);
  }
  const MutexLock lock(mutex_);
  ++unfinished_;
  jobs_[read_index] = std::move(job);
  return true;
}

void FileSink::WaitForAll() {
  const MutexLock lock(mutex_);
  while (unfinished_ > 0) finished_.Wait(mutex_);
}

std::shared_ptr<FileSink::FileJob> FileSink::Find(size_t read_index) {
  const MutexLock lock(mutex_);
  return jobs_.at(read_index);
}

std::shared_ptr<FileSink::FileJob> FileSink::Take(size_t read_index) {
  const MutexLock lock(mutex_);
  auto node = jobs_.extract(read_index);
  return std::move(node.mapped());
}

void FileSink::Write(FileJob& job, fetch::Part part) {
  auto file = Open(job);
  if (!file) return job.Fail(std::move(file).error());
  const auto bytes = part.bytes.span();
  if (auto written = (*file)->WriteAt(bytes, part.offset); !written) {
    return job.Fail(std::move(written).error());
  }
  observer_.OnBytes(bytes.size());
}

// The job's file, made when it is first needed.
Result<PartialFile*> FileSink::Open(FileJob& job) {
  {
    const MutexLock lock(job.mutex);
    if (job.file) return &*job.file;
  }
  GiveDamagedBack(job);
  HR_TRY_ASSIGN(PartialFile made, PartialFile::Create(job.item.path));
  if (job.item.size_bytes > options_.part_size_bytes) {
    HR_TRY(made.Reserve(job.item.size_bytes));
  }
  const MutexLock lock(job.mutex);
  // Nobody who gives its room back has seen it.
  if (job.is_replaced) return Fail(ErrorCode::kCancelled, job.item.path + ": it is made anew");
  return &job.file.emplace(std::move(made));
}

// A nearly full disk has room for one of the two.
void FileSink::GiveDamagedBack(FileJob& job) {
  std::shared_ptr<FileJob> damaged;
  PartialFile* file = nullptr;
  {
    const MutexLock lock(job.mutex);
    damaged = std::exchange(job.damaged, nullptr);
  }
  if (!damaged) return;
  {
    const MutexLock lock(damaged->mutex);
    if (damaged->file) file = &*damaged->file;
  }
  // One of its writes may still be running, and ends it then.
  if (file != nullptr) file->GiveRoomBack();
  if (damaged->open_count.fetch_sub(1) == 1) Finish(*damaged);
}

Status FileSink::Commit(FileJob& job) {
  {
    const MutexLock lock(job.mutex);
    if (job.failure) return std::unexpected(*job.failure);
  }
  // An empty object had no part that could have made its file.
  HR_TRY_ASSIGN(PartialFile* const file, Open(job));
  return file->Commit(job.item.size_bytes, job.item.modified, options_.sync_files);
}

void FileSink::Finish(FileJob& job) {
  GiveDamagedBack(job);
  bool is_replaced = false;
  {
    const MutexLock lock(job.mutex);
    is_replaced = job.is_replaced;
  }
  Status committed = Ok();
  if (!is_replaced) committed = Commit(job);
  {
    const MutexLock lock(job.mutex);
    job.file.reset();
  }
  if (!committed) {
    tally_.Failed(job.index, committed.error());
  } else if (!is_replaced) {
    tally_.Done(job.index, job.item.size_bytes);
  }
  // Notified under the lock: the waiter may destroy the sink as soon as it sees zero.
  const MutexLock lock(mutex_);
  if (--unfinished_ == 0) finished_.NotifyAll();
}

}  // namespace headrace::file
