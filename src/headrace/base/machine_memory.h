// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

// The files that may limit the memory of a process, given what its /proc/self/cgroup says: of its
// control group and of every one above it, in both versions of the interface. A container that
// shows the host's paths has its own limit at the top. Those that do not exist limit nothing.
std::vector<std::string> MemoryLimitFiles(std::string_view proc_self_cgroup);

// What such a file says, in bytes; nothing: no limit, or no number.
std::optional<uint64_t> ParseMemoryLimit(std::string_view text);

// The memory this process can have, in bytes: the machine's, or less where a control group (a
// container, a systemd unit, a batch job) limits it. Reads files; for the start of things.
uint64_t UsableMemoryBytes();

}  // namespace headrace
