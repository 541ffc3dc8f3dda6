// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

namespace headrace::format {

// The unsigned number at `offset` of `bytes`, which must hold all of it.
template <std::unsigned_integral T>
T LittleEndian(std::span<const std::byte> bytes, size_t offset = 0) {
  T number = 0;
  for (size_t i = sizeof(T); i-- > 0;) {
    number = static_cast<T>(number << 8U) | static_cast<T>(bytes[offset + i]);
  }
  return number;
}

}  // namespace headrace::format
