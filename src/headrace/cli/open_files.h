// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace headrace::cli {

// How many files and sockets this process may have open (the soft limit of `ulimit -n`).
uint64_t OpenFilesMax();
// Raises that for what transfers may need, as far as the hard limit allows. Programs that this
// process starts inherit it.
void RaiseOpenFilesMax();

// How many requests at once, of `requests_max`, so many files leave room for: each takes a socket
// and, while its bytes are written, a file. Pure.
uint64_t RequestsWithin(uint64_t open_files_max, uint64_t requests_max);

}  // namespace headrace::cli
