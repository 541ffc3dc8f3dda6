// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/part_memory.h"

namespace headrace::fetch {

PartBytes::~PartBytes() {
  if (owner_) owner_->Return(std::move(buffer_));
}

PartBytes PartMemory::TakeBlocking(size_t size_bytes) {
  budget_.TakeBlocking(size_bytes);
  return {pool_.Take(size_bytes), shared_from_this()};
}

void PartMemory::Return(Buffer buffer) {
  const size_t size_bytes = buffer.size();
  pool_.Return(std::move(buffer));
  budget_.Give(size_bytes);
}

}  // namespace headrace::fetch
