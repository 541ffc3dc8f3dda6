// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/commands.h"

#include <array>

namespace headrace::cli {

std::span<const Command> Commands() {
  static constexpr std::array kCommands{
      Command{.name = "mb",
              .summary = "Make a bucket",
              .examples = "  headrace mb s3://photos\n",
              .declare = DeclareMakeBucket},
      Command{.name = "rb",
              .summary = "Remove a bucket",
              .examples = "  headrace rb s3://photos\n",
              .declare = DeclareRemoveBucket},
  };
  return kCommands;
}

}  // namespace headrace::cli
