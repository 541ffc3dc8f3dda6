// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

inline constexpr std::string_view kChannelOptionNames =
    "mode, content-type, distribution, data-type, compression, record-wrapper, shuffle-seed, "
    "attributes, access, resume";

// Sets one option of a channel from its text, by its name in `--channel` and in job files.
// kInvalidArgument names the option and what it may be.
Status SetChannelOption(std::string_view option, std::string_view value, ChannelSpec& channel);

// Parses `NAME=URI[,option=value]...`. A comma begins an option only where `word=`
// follows it, so that keys, content types and attribute lists may hold commas; a key that holds
// ",word=" itself needs a job file. Limits and combinations are ValidateJob's.
Result<ChannelSpec> ParseChannel(std::string_view text);

// Splits NAME=VALUE at its first '='; `flag` is named in the error.
Result<std::pair<std::string, std::string>> ParsePair(std::string_view flag, std::string_view text);

}  // namespace headrace::job
