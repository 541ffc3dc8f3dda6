// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "headrace/cli/command.h"

namespace headrace::cli {

// The command line of headrace, and that of another program behind it.
struct SplitArguments {
  std::vector<std::string> own;
  std::vector<std::string> trailing;  // What follows the first "--"; of Command::runs_program only.
};

// Cuts before anything is parsed: no rule of ours about commas, brackets, empty words or options
// may touch another program's arguments.
SplitArguments SplitTrailingCommand(std::span<const std::string> arguments,
                                    std::span<const Command> commands);

}  // namespace headrace::cli
