// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/cli/command.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// Takes the next bytes; false: no more are wanted.
using ByteConsumer = std::function<Result<bool>(std::span<const std::byte>)>;

// Hands the objects' bytes to `consume`, one object behind the other, the next parts on their way
// meanwhile. The error names the object; bytes before it were handed out already.
Status ReadObjects(CommandContext& context, ObjectStore& store, std::vector<S3Uri> objects,
                   const ByteConsumer& consume);

}  // namespace headrace::cli
