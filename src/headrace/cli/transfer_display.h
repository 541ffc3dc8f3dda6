// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/cli/command.h"
#include "headrace/cli/line_printer.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/progress_drawer.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::cli {

// What is done to one object or file, as the user reads it.
struct Step {
  std::string_view verb;  // "download", "delete"; a literal.
  std::string source;     // As an S3 URI or a path.
  std::string target;     // Empty: there is none.
  uint64_t size_bytes = 0;
};

// "download: s3://b/k to k", or the same as a JSON object. `error` may be null. Pure.
std::string StepLine(const Step& step, bool is_dry_run);
std::string StepJson(const Step& step, bool is_dry_run, const Error* error);

// Shows a transfer as it goes: a progress line on a terminal, else a line per object; failures on
// standard error; and remembers what the exit code depends on.
// Threads: all methods may be called at once from any thread.
class TransferDisplay final : public file::TransferObserver {
 public:
  struct Options {
    bool shows_progress = true;
    // Hears of items that ended, by their index; quick.
    std::function<void(size_t index, bool is_done)> on_item_end;
  };

  TransferDisplay(const CommandContext& context, std::string_view command, Options options);

  // Totals: something to do was found, and nothing more will be.
  void OnFound(uint64_t size_bytes);
  void OnAllFound() { counts_.is_all_found = true; }
  // The next item (in the order of their indexes) is about to begin. Waits as AwaitRoom does.
  void OnBegin(Step step) HR_EXCLUDES(mutex_);

  void OnBytes(uint64_t size_bytes) override { counts_.bytes_done += size_bytes; }
  void OnItemDone(size_t index) override HR_EXCLUDES(mutex_);
  void OnItemFailed(size_t index, const Error& error) override HR_EXCLUDES(mutex_);

  // A step outside the indexes: a deletion, an object that was refused.
  void OnDone(const Step& step);
  void OnFailed(const Step& step, const Error& error) HR_EXCLUDES(mutex_);
  // Waits while the reader of the lines is far behind, or until the command is stopped. For whoever
  // begins items; no event loop.
  void AwaitRoom() { printer_.AwaitRoom(world_.stop); }
  // Of a dry run. Waits as AwaitRoom does.
  void OnWouldDo(const Step& step);

  uint64_t failed_count() const { return counts_.items_failed; }

  // Ends the progress line and writes what is left. What the command ends with: success; the
  // failures' own code when they all agree on one and nothing was done; partial failure otherwise.
  // `whole` is what ended the transfer as a whole, if anything did.
  Result<ExitCode> Finish(const std::optional<Error>& whole) HR_EXCLUDES(mutex_);

 private:
  Progress Now() const { return counts_.At(world_.clock->Now() - begin_); }
  void PrintStep(const Step& step, bool is_dry_run, const Error* error);
  bool IsOutOfTime(const Error& error) const;
  std::optional<Step> TakeStep(size_t index) HR_EXCLUDES(mutex_);

  const CommandContext& context_;
  const CommandWorld& world_;
  const std::string command_;
  const Options options_;
  const bool is_json_;
  const bool shows_bar_;
  const bool prints_lines_;
  const SteadyTime begin_;

  ProgressCounts counts_;

  Mutex mutex_;
  size_t next_index_ HR_GUARDED_BY(mutex_) = 0;
  std::map<size_t, Step> running_ HR_GUARDED_BY(mutex_);  // Begun and not ended.
  std::optional<ErrorCode> first_failure_ HR_GUARDED_BY(mutex_);
  bool failures_differ_ HR_GUARDED_BY(mutex_) = false;
  std::atomic<bool> is_out_of_time_ = false;  // --timeout broke something off.
  LinePrinter printer_;
  std::optional<ProgressDrawer> drawer_;  // Last: it asks for all of the above.
};

}  // namespace headrace::cli
