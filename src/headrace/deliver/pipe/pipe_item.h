// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "headrace/base/error.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::pipe {

// One thing of an epoch: an object, or bytes that are known already (a value of an augmented
// manifest). With RecordIO each becomes one record.
struct PipeItem {
  std::optional<fetch::PlannedRead> read;
  std::string bytes;  // Where there is no read.
};

// An epoch's next item, nothing at its end, or an error, which ends the channel. Called on one
// thread at a time, which is no event loop; may block for a short while.
using ItemSource = std::move_only_function<Result<std::optional<PipeItem>>()>;

// What becomes of an object's bytes on their way.
struct PipeFraming {
  // Each object is a gzip file of any number of members and is sent inflated. One of no bytes at
  // all stays empty.
  bool inflates_gzip = false;
  // Each item is sent as one whole RecordIO record.
  bool wraps_record_io = false;
};

}  // namespace headrace::pipe
