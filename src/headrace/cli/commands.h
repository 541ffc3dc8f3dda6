// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/cli/command.h"

// Each command's declaration, defined in the file of its name (copy.cc: cp, mv and sync, which are
// one job with different options).
namespace headrace::cli {

CommandAction DeclareBench(CLI::App& app);
CommandAction DeclareCat(CLI::App& app);
CommandAction DeclareCopy(CLI::App& app);
CommandAction DeclareDu(CLI::App& app);
CommandAction DeclareInspect(CLI::App& app);
CommandAction DeclareLs(CLI::App& app);
CommandAction DeclareMb(CLI::App& app);
CommandAction DeclareMove(CLI::App& app);
CommandAction DeclarePresign(CLI::App& app);
CommandAction DeclareRb(CLI::App& app);
CommandAction DeclareRm(CLI::App& app);
CommandAction DeclareRun(CLI::App& app);
CommandAction DeclareServe(CLI::App& app);
CommandAction DeclareStat(CLI::App& app);
CommandAction DeclareSync(CLI::App& app);

}  // namespace headrace::cli
