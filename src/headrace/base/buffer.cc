// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/buffer.h"

#include "headrace/base/error.h"

namespace headrace {
namespace {

// Page size: O_DIRECT and vmsplice want it, and large buffers then start on their own page.
constexpr size_t kAlignment = 4096;

}  // namespace

Buffer::Buffer(size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes == 0) return;
  const size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded)));
  HR_CHECK(bytes_ != nullptr);
}

}  // namespace headrace
