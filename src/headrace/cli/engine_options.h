// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

#include "headrace/cli/command.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::cli {

// --memory, --target-throughput and --no-verify, into `settings`, which stays where it is. The
// command hands them to CommandContext::SetEngine.
void DeclareEngineOptions(CLI::App& app, EngineSettings& settings);

// A transfer on this command's engine.
file::TransferOptions TransferOptionsFor(CommandContext& context);

}  // namespace headrace::cli
