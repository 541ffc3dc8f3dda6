// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/cli/exit_code.h"
#include "headrace/cli/signal_watch.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/s3_store.h"

namespace headrace::cli {

// Options every command has, before or after its name.
struct GlobalOptions {
  s3::S3Settings s3;
  bool is_quiet = false;  // Errors only: no line per object, no progress.
  bool is_debug = false;  // Requests, retries and timings on standard error.
  bool is_json = false;   // One JSON object per line on standard output.
  // The command ends by then, done or not. Unset: never. Of `run`: its preparation.
  std::optional<std::chrono::milliseconds> timeout;
  // The command line after "--" of a command that runs another program.
  std::vector<std::string> trailing;
};

// What commands that bring objects are told about the engine (engine_options.h).
struct EngineSettings {
  uint64_t memory_bytes = 0;             // 0: the engine's own default.
  uint64_t target_bytes_per_second = 0;  // 0: as fast as it goes.
  bool verifies_checksums = true;
};

using StoreFactory = std::function<Result<std::unique_ptr<ObjectStore>>(const s3::S3Settings&)>;

// What a command is run with: the world outside it. Tests hand in their own streams and store.
struct CommandWorld {
  std::FILE* in = stdin;
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  Environment environment;
  const Clock* clock = &RealClock();
  std::string version;
  // Ends the command soon, with what is running cleaned up.
  std::stop_token stop;
  // Of a command that reloads on SIGHUP; null where no signals are watched.
  std::shared_ptr<Hangups> hangups;
  // True: SIGINT, SIGTERM and SIGHUP request `stop`, for commands that leave signals to us.
  bool stops_on_signals = false;
  // How a command that needs the store gets it.
  StoreFactory open_store;
};

// One run of one command. Loops and store are made when they are first asked for, so that
// `headrace --version` and a wrong command line start neither.
// Threads: one (the main thread).
class CommandContext {
 public:
  CommandContext(GlobalOptions options, CommandWorld world);

  const GlobalOptions& options() const { return options_; }
  const CommandWorld& world() const { return world_; }
  EventLoops& loops();
  // Before the store is first asked for, which verifies as the engine does.
  void SetEngine(const EngineSettings& settings);
  // What every fetcher of this command runs with: one memory budget, made when first asked for.
  fetch::FetchOptions fetching();
  // True: the user has said how much memory it may be.
  bool has_own_memory() const { return engine_.memory_bytes > 0; }
  // Lives as long as this context.
  Result<ObjectStore*> Store();
  // Ends at the deadline that --timeout sets, and on Ctrl-C.
  CallContext call() const { return {.deadline = deadline_, .stop = world_.stop}; }
  bool is_out_of_time() const { return deadline_.HasPassed(world_.clock->Now()); }

  // Runs `task` on a loop and blocks until it has its value.
  template <typename T>
  T Run(Task<T> task) {
    return RunBlocking(loops().Next(), std::move(task));
  }

 private:
  GlobalOptions options_;
  CommandWorld world_;
  const Deadline deadline_;
  EngineSettings engine_;
  std::shared_ptr<fetch::MemoryBudget> memory_;
  // Before the store, which is destroyed while the loops its calls ran on still stand.
  std::unique_ptr<EventLoops> loops_;
  std::unique_ptr<ObjectStore> store_;
};

// Runs a parsed command. An error is printed by the caller as "headrace NAME: message" and becomes
// ExitCodeOf(its code).
using CommandAction = std::function<Result<ExitCode>(CommandContext&)>;

// A subcommand. One file each; the table in commands.cc names them all.
struct Command {
  std::string_view name;
  std::string_view summary;   // One line for `headrace --help`.
  std::string_view examples;  // Lines for its own --help; at least one.
  // Adds the command's options to `app` and gives what runs once they are parsed. Options live in
  // state that the action shares.
  CommandAction (*declare)(CLI::App& app);
  // True: the command deals with SIGINT and SIGTERM itself; `world().stop` is then never requested.
  bool handles_signals = false;
  // True: what follows "--" is another program's command line and passed on untouched.
  bool runs_program = false;
  // True: goes on when the reader of its output or log is gone, whatever it is told to do (cp sees
  // for itself). Others end as a filter does.
  bool outlives_its_reader = false;
  // How to go on where it was broken off; empty: there is nothing to go on with.
  std::string_view way_on;
  // True: SIGHUP comes as world().hangups and does not end the process.
  bool reloads_on_hangup = false;
};

std::span<const Command> Commands();

// Parses the command line (argv without the program's name) and runs its command.
ExitCode RunCommandLine(std::span<const std::string> arguments, CommandWorld world);

}  // namespace headrace::cli
