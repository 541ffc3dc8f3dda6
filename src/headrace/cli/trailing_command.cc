// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/trailing_command.h"

#include <algorithm>

namespace headrace::cli {

SplitArguments SplitTrailingCommand(std::span<const std::string> arguments,
                                    std::span<const Command> commands) {
  const auto command_of = [&](const std::string& word) {
    return std::ranges::find(commands, word, &Command::name);
  };
  const auto name = std::ranges::find_if(
      arguments, [&](const std::string& word) { return command_of(word) != commands.end(); });
  auto dashes = arguments.end();
  if (name != arguments.end() && command_of(*name)->runs_program) {
    dashes = std::find(name, arguments.end(), "--");
  }
  SplitArguments split{.own = {arguments.begin(), dashes}};
  if (dashes != arguments.end()) split.trailing.assign(dashes + 1, arguments.end());
  return split;
}

}  // namespace headrace::cli
