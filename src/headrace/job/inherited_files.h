// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headrace::job {

// For a process between fork and what it becomes: async-signal-safe. Both work where the kernel
// (before Linux 5.9, and 5.11) or a sandbox knows no close_range(2).
void CloseFilesFrom(int first_fd);
// Closed as the process becomes another program; open until then.
void CloseFilesOnExecFrom(int first_fd);

}  // namespace headrace::job
