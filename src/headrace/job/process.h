// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/job/directory_binding.h"
#include "headrace/job/process_guard.h"
#include "headrace/job/signal_inbox.h"

namespace headrace::job {

// A shell's exit codes for a command that could not be run, and for one that a signal ended.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;
inline constexpr int kExitSignalBase = 128;
// What timeout(1) gives for a command that ran out of time, whatever the command itself ended with.
inline constexpr int kExitOutOfTime = 124;

struct ProcessOptions {
  // From the first SIGTERM (or SIGINT, SIGHUP, SIGQUIT) to SIGKILL: what SageMaker gives a job to
  // save its work. After the command's end: to the end of its uploads.
  std::chrono::milliseconds stop_grace{120'000};
  // Directories that the command, and nobody else, finds at other paths.
  std::vector<DirectoryBinding> bindings;
  // Once this is readable the command is asked to stop, as by SIGTERM; -1: never.
  int stop_fd = -1;
  // From its start to a SIGTERM, which begins the same grace; 0: for ever.
  std::chrono::milliseconds max_runtime{0};
  // The command has it as descriptor 3, so that a lock on it lasts as long as the command even when
  // we are killed; -1: none.
  int kept_fd = -1;
  // Ends the command when we are killed; null: nobody does. Outlives the call.
  const ProcessGuard* guard = nullptr;
};

// SIGTERM, SIGINT, SIGHUP and SIGQUIT: the job is to end.
bool AsksToStop(int signal);

// What a signal is called: "Terminated". Threads: any.
std::string SignalText(int signal);

// How a command ended.
struct ProcessEnd {
  // Its own, kExitSignalBase plus the signal, or kExitOutOfTime.
  int exit_code = 0;
  int signal = 0;               // What ended it; 0: it exited.
  int stop_signal = 0;          // The first request to stop that was passed on; 0: none.
  bool is_out_of_time = false;  // It ran for max_runtime and was asked to stop.
  bool outlived_grace = false;  // It was killed when the grace was over.
};

// "the command exited with code 7"
std::string ExitText(int exit_code);
// One line for output/failure and for people; empty for a success.
std::string DescribeEnd(const ProcessEnd& end);

// Runs `program` with the arguments `command` (its name first) in a process group of its own and
// waits for its end. Standard input, output and error, the terminal and the working directory are
// ours; no descriptor but `kept_fd` is passed on. Signals that arrive in `signals` go to the whole
// group. When the command has ended, what is left of its group is killed, after a request to stop
// only at the end of the grace. So is then every process that it started, in whatever group or
// session: nothing of a job outlives it but what changed its user to one that we may not signal.
// Makes this process the parent of orphans (PR_SET_CHILD_SUBREAPER) for as long as it takes: other
// children of this process must stay in its process group, or have been there before.
// One call at a time.
// kNotFound or kPermissionDenied when the program cannot be started.
Result<ProcessEnd> RunProcess(const std::string& program, const std::vector<std::string>& command,
                              const Environment& environment, const SignalInbox& signals,
                              const ProcessOptions& options);

}  // namespace headrace::job
