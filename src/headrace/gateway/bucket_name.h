// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "headrace/base/error.h"

namespace headrace::gateway {

// InvalidBucketName, with the rule it breaks, for a name that S3 lets nobody give to a new bucket,
// general purpose or directory bucket. Folders that are there already are served whatever S3 says
// about their names. Pure.
Status CheckNewBucketName(std::string_view name);

}  // namespace headrace::gateway
