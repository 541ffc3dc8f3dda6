// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/memory_budget.h"

#include <algorithm>

#include "headrace/base/error.h"

namespace headrace {

bool MemoryBudget::TryTake(uint64_t size_bytes) {
  const MutexLock lock(mutex_);
  const bool fits = size_bytes <= limit_bytes_ && taken_bytes_ <= limit_bytes_ - size_bytes;
  if (!fits && taken_bytes_ != 0) return false;
  taken_bytes_ += size_bytes;
  taken_bytes_max_ = std::max(taken_bytes_max_, taken_bytes_);
  return true;
}

void MemoryBudget::Give(uint64_t size_bytes) {
  const MutexLock lock(mutex_);
  HR_CHECK(size_bytes <= taken_bytes_);
  taken_bytes_ -= size_bytes;
}

}  // namespace headrace
