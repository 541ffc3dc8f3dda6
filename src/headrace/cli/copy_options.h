// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <CLI/App.hpp>

#include "headrace/cli/attribute_options.h"
#include "headrace/cli/command.h"
#include "headrace/cli/filter_options.h"
#include "headrace/deliver/file/sync_plan.h"

namespace headrace::cli {

enum class CopyKind { kCopy, kMove, kSync };

// What cp, mv and sync are told. Stays where it is: the app writes into it.
struct CopyOptions {
  CopyOptions(CLI::App& app, CopyKind kind);

  CopyKind kind;
  std::string source;
  std::string target;
  bool is_recursive = false;  // sync always is.
  bool is_dry_run = false;
  bool shows_progress = true;
  bool follows_symlinks = true;
  bool guesses_content_type = true;
  bool allows_empty_source = false;  // sync --delete then removes everything.
  uint64_t expected_size_bytes = 0;  // Of standard input; 0: not known.
  file::SyncOptions sync;
  FilterOptions filters;
  AttributeOptions attributes;
  EngineSettings engine;
};

}  // namespace headrace::cli
