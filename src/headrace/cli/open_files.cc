// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace headrace::cli {
namespace {

// Twice the 1,024 requests that may be in flight, second requests for late ones, uploads; the usual
// limit of a login is 1,024, and 524,288 the hard one.
constexpr rlim_t kWanted = 4096;
// Event loops, listings, signals, streams.
constexpr uint64_t kOthers = 128;
// Goes on with as few, slowly.
constexpr uint64_t kRequestsMin = 8;

}  // namespace

uint64_t OpenFilesMax() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : kWanted;
}

void RaiseOpenFilesMax() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  // Should it fail, the limit stays what it was, and RequestsWithin keeps to it.
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t RequestsWithin(uint64_t open_files_max, uint64_t requests_max) {
  const uint64_t left = open_files_max - std::min(open_files_max, kOthers);
  return std::min(requests_max, std::max(left / 2, kRequestsMin));
}

}  // namespace headrace::cli
