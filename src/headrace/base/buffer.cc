// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/buffer.h"

#include <sys/mman.h>

#include "headrace/base/error.h"

namespace headrace {
namespace {

// Page size: O_DIRECT and vmsplice want it, and large buffers then start on their own page.
constexpr size_t kAlignment = 4096;
// Large ones lie in huge pages where the kernel gives them on request: an 8 MiB buffer then costs
// four page faults the first time it is filled, and not two thousand.
constexpr size_t kHugePage = size_t{2} << 20U;

}  // namespace

Buffer::Buffer(size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes == 0) return;
  const size_t alignment = size_bytes % kHugePage == 0 ? kHugePage : kAlignment;
  const size_t rounded = (size_bytes + alignment - 1) / alignment * alignment;
  bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
  HR_CHECK(bytes_ != nullptr);
  // A hint: without it everything works as well.
  if (alignment == kHugePage) (void)madvise(bytes_.get(), rounded, MADV_HUGEPAGE);
}

}  // namespace headrace
