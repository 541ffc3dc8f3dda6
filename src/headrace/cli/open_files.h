// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace headrace::cli {

// How many files and sockets this process may have open (the soft limit of `ulimit -n`).
uint64_t OpenFilesMax();
// Raises that to `wanted`, as far as the hard limit allows, and gives what it is then. Programs
// that this process starts inherit it.
uint64_t RaiseOpenFilesMax(uint64_t wanted);

// Of transfers: twice the 1,024 requests that may be in flight, second requests for late ones,
// uploads; the usual limit of a login is 1,024, and 524,288 the hard one.
inline constexpr uint64_t kTransferFiles = 4096;

// How many requests at once, of `requests_max`, so many files leave room for: each takes a socket
// and, while its bytes are written, a file. Pure.
uint64_t RequestsWithin(uint64_t open_files_max, uint64_t requests_max);

}  // namespace headrace::cli
