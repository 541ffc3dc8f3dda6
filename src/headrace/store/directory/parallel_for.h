// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

#include "headrace/base/work_pool.h"

namespace headrace::directory {

// Calls `body` for pieces [begin, end) that together are [0, count), on the calling thread and on
// those threads of the pool that are free meanwhile, and returns when all are done. Never waits for
// a thread of the pool to become free, so that pool threads may call it too.
void ParallelFor(WorkPool& pool, size_t count, const std::function<void(size_t, size_t)>& body);

}  // namespace headrace::directory
