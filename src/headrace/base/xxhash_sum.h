// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace headrace {

enum class XxhashKind : uint8_t { kXxh64, kXxh3, kXxh128 };

// An xxHash with seed 0 over bytes that arrive in pieces.
class RunningXxhash {
 public:
  explicit RunningXxhash(XxhashKind kind);
  ~RunningXxhash();
  RunningXxhash(RunningXxhash&&) noexcept;
  RunningXxhash& operator=(RunningXxhash&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  // The canonical (big-endian) value, 8 or 16 bytes.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace
