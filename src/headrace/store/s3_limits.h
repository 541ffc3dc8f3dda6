// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Limits of S3 itself, which its clients and servers share.
namespace headrace {

// Parts of one upload; they are numbered from 1 to this.
inline constexpr uint32_t kPartCountMax = 10'000;
// Keys in one DeleteObjects request.
inline constexpr size_t kDeleteKeyCountMax = 1'000;

}  // namespace headrace
