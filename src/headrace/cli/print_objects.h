// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "headrace/base/error.h"
#include "headrace/cli/command.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// Writes the objects' bytes to standard output, one behind the other, the next parts on their way
// meanwhile. The error names the object; bytes before it are printed already.
Status PrintObjects(CommandContext& context, ObjectStore& store, std::vector<S3Uri> objects);

}  // namespace headrace::cli
