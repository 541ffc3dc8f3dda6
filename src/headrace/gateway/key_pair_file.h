// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/base/error.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::gateway {

// The key pair kept in the file at `path`, in the form of an AWS shared credentials file, so that
// clients can be pointed at it. Made, readable by its owner alone, when the file is not there.
// kPermissionDenied when others may read it, kCorrupt when it holds no pair.
Result<s3::AccessKeys> LoadOrMakeKeyPair(const std::string& path);

}  // namespace headrace::gateway
