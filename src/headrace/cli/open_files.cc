// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace headrace::cli {
namespace {

// Event loops, listings, signals, streams.
constexpr uint64_t kOthers = 128;
// Goes on with as few, slowly.
constexpr uint64_t kRequestsMin = 8;

}  // namespace

uint64_t OpenFilesMax() { return RaiseOpenFilesMax(0); }

uint64_t RaiseOpenFilesMax(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::max(wanted, kTransferFiles);
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

uint64_t RequestsWithin(uint64_t open_files_max, uint64_t requests_max) {
  const uint64_t left = open_files_max - std::min(open_files_max, kOthers);
  return std::min(requests_max, std::max(left / 2, kRequestsMin));
}

}  // namespace headrace::cli
