// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <CLI/App.hpp>

#include "headrace/cli/command.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::cli {

// --memory, --target-throughput and --no-verify, into `settings`, which stays where it is. The
// command hands them to CommandContext::SetEngine.
void DeclareEngineOptions(CLI::App& app, EngineSettings& settings);

// What downloads and `cat` hold of the process's budget unless --memory grants more: no transfer
// takes more than 256 MiB in all, and neither a disk nor a slow reader gets faster by more.
inline constexpr uint64_t kTransferMemoryBytes = 160ULL << 20U;

// A transfer on this command's engine.
file::TransferOptions TransferOptionsFor(CommandContext& context);

}  // namespace headrace::cli
