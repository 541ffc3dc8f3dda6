// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/cli/command.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// The head of one object that the user has named. A store cannot say what it does not have, the
// object or its bucket, for such a request has no answer to say it in: where there is none, the
// bucket is asked for too, and the error tells.
Result<ObjectHead> LookUp(CommandContext& context, ObjectStore& store, const S3Uri& uri);

}  // namespace headrace::cli
