// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/cli/command.h"
#include "headrace/cli/transfer_display.h"
#include "headrace/deliver/file/path_filter.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// Deletes every object whose key starts with `prefix.key` and whose rest `filter` takes, batches at
// once, while the listing goes on. Objects that could not be deleted are told to `display`; the
// error is the listing's.
Status RemovePrefix(CommandContext& context, ObjectStore& store, const S3Uri& prefix,
                    const file::PathFilter& filter, bool is_dry_run, TransferDisplay& display);

}  // namespace headrace::cli
