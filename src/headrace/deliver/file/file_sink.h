// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "headrace/base/mutex.h"
#include "headrace/base/work_pool.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/deliver/file/transfer_state.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::file {

// Turns the parts of a run into files on the work pool. A file has one writer at a time: two that
// write to one file wait for its lock in the kernel.
//
// Threads: Add and WaitForAll by the thread that runs the transfer; the rest as fetch::PartSink has
// it. Lifetime: outlived by what it was made with; WaitForAll comes before its end.
class FileSink final : public fetch::PartSink {
 public:
  FileSink(WorkPool& files, const TransferOptions& options, TransferObserver& observer,
           Tally& tally);
  ~FileSink() override;

  // Before the run is given the read of that number.
  void Add(DownloadItem item, size_t read_index) HR_EXCLUDES(mutex_);

  void OnPart(fetch::Part part) override HR_EXCLUDES(mutex_);
  void OnReadEnd(size_t read_index, Status status) override HR_EXCLUDES(mutex_);
  // A file has one writer: as many files as threads.
  size_t reads_side_by_side() const override { return options_.file_threads; }
  // Parts that come again go into a new file, because writes of damaged ones may still be running;
  // the damaged one's room is given back first.
  bool MayGiveAgain(size_t read_index) override HR_EXCLUDES(mutex_);

  // Until every file is in its place or given up.
  void WaitForAll() HR_EXCLUDES(mutex_);

 private:
  struct FileJob;

  std::shared_ptr<FileJob> Find(size_t read_index) HR_EXCLUDES(mutex_);
  std::shared_ptr<FileJob> Take(size_t read_index) HR_EXCLUDES(mutex_);
  void PostWriter(std::shared_ptr<FileJob> job);
  void Write(FileJob& job, fetch::Part part);
  Result<PartialFile*> Open(FileJob& job);
  void GiveDamagedBack(FileJob& job) HR_EXCLUDES(mutex_);
  Status Commit(FileJob& job);
  void Finish(FileJob& job) HR_EXCLUDES(mutex_);

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

}  // namespace headrace::file
