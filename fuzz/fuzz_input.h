// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The function that libFuzzer, or the replay of the corpus, calls with one input.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes);

namespace headrace::fuzz {

inline std::string_view TextOf(const uint8_t* bytes, size_t size_bytes) {
  return {reinterpret_cast<const char*>(bytes), size_bytes};
}

}  // namespace headrace::fuzz
