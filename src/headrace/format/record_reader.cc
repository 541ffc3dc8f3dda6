// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_reader.h"

#include <fmt/format.h>

namespace headrace::format {

std::string RecordPlace(uint64_t index, uint64_t offset_bytes) {
  return fmt::format("record {} at byte {}", index, offset_bytes);
}

Error RecordTooLarge(const std::string& place, uint64_t size_bytes, uint64_t limit_bytes) {
  return {ErrorCode::kResourceExhausted,
          fmt::format("{}: its length of {} bytes is above the limit of {} bytes", place,
                      size_bytes, limit_bytes)};
}

}  // namespace headrace::format
