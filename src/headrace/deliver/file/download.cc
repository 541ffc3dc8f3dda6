// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "headrace/deliver/file/file_sink.h"
#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {
namespace {

using fetch::PlannedRead;

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
    sink.Add(std::move(*item), index++);
    return std::optional<PlannedRead>(std::move(planned));
  };
  Status outcome = state_->fetcher.Run(std::move(reads), sink, context);
  sink.WaitForAll();
  return tally.Report(std::move(outcome));
}

}  // namespace headrace::file
