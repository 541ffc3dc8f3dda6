// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/job/directory_binding.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// The absolute path that a directory's URI names. kInvalidArgument for a file URI with a host or
// with a '%' that is none.
Result<std::string> DirectoryOf(std::string_view uri);

// Checks the directory of a channel and the place `target` where the command is to find it:
// kNotFound and kPermissionDenied for a directory that is not there or cannot be read,
// kInvalidArgument for a read-only one without any entry (a file system that is not mounted),
// kAlreadyExists for a target that holds something. Errors name the channel.
Result<DirectoryBinding> PlanDirectory(const ChannelSpec& spec, const std::string& target);

}  // namespace headrace::job
