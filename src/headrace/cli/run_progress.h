// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/cli/command.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/progress_drawer.h"
#include "headrace/job/download_observer.h"

namespace headrace::cli {

// What `headrace run` says on standard error: its lines and, where that is a terminal, how far the
// downloads are.
// Threads: as the observers' methods say; Say on the thread that runs the job.
class RunProgress final : public job::DownloadObserver {
 public:
  explicit RunProgress(const CommandWorld& world) : world_(world) {}

  void Say(std::string_view line);

  void OnBegin(uint64_t objects, uint64_t bytes) override;
  void OnEnd() override;
  void OnBytes(uint64_t size_bytes) override { counts_.bytes_done += size_bytes; }
  void OnItemDone(size_t) override { ++counts_.items_done; }
  void OnItemFailed(size_t, const Error&) override { ++counts_.items_failed; }

 private:
  const CommandWorld& world_;
  SteadyTime begin_{};
  ProgressCounts counts_;
  std::optional<ProgressDrawer> drawer_;  // None: nothing is being downloaded, or no terminal.
};

}  // namespace headrace::cli
