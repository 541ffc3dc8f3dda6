// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/byte_gatherer.h"

#include <algorithm>

namespace headrace::format {

std::optional<std::span<const std::byte>> ByteGatherer::Take(std::span<const std::byte>& input,
                                                             size_t size_bytes) {
  if (is_given_) {
    carried_.clear();
    is_given_ = false;
  }
  if (carried_.empty() && input.size() >= size_bytes) {
    const auto run = input.first(size_bytes);
    input = input.subspan(size_bytes);
    return run;
  }
  const auto taken = input.first(std::min(input.size(), size_bytes - carried_.size()));
  carried_.insert(carried_.end(), taken.begin(), taken.end());
  input = input.subspan(taken.size());
  if (carried_.size() < size_bytes) return std::nullopt;
  is_given_ = true;
  return carried_;
}

bool ByteGatherer::Skip(std::span<const std::byte>& input, uint64_t size_bytes) {
  const auto taken =
      static_cast<size_t>(std::min<uint64_t>(input.size(), size_bytes - skipped_bytes_));
  skipped_bytes_ += taken;
  input = input.subspan(taken);
  if (skipped_bytes_ < size_bytes) return false;
  skipped_bytes_ = 0;
  return true;
}

}  // namespace headrace::format
