// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/cli/command.h"

// Each command's declaration, defined in the file of its name.
namespace headrace::cli {

CommandAction DeclareMakeBucket(CLI::App& app);
CommandAction DeclareRemoveBucket(CLI::App& app);

}  // namespace headrace::cli
