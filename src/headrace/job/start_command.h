// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/job/directory_binding.h"

namespace headrace::job {

struct CommandStart {
  // It finds these directories at other paths; nobody else does.
  std::span<const DirectoryBinding> bindings;
  // It has it as descriptor 3 and no other but 0, 1 and 2; -1: none.
  int kept_fd = -1;
  // Its group becomes the foreground of the terminal on standard input.
  bool takes_terminal = false;
  // Hears the process before it runs the program; when we die meanwhile, it never does.
  std::function<void(pid_t)> on_process = [](pid_t) {};
};

// Starts the program in a process group of its own, whose number is the process's. The calling
// thread's signals are blocked meanwhile. kPermissionDenied when the program cannot be executed;
// else as fork(2) and mount(2) fail.
Result<pid_t> StartCommand(const std::string& program, const std::vector<std::string>& command,
                           const Environment& environment, const CommandStart& start);

}  // namespace headrace::job
