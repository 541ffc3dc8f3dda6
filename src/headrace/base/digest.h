// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace headrace {

using Sha256Digest = std::array<std::byte, 32>;

// One-shot digests (OpenSSL).
Sha256Digest Sha256(std::span<const std::byte> bytes);
Sha256Digest HmacSha256(std::span<const std::byte> key, std::span<const std::byte> bytes);
inline Sha256Digest Sha256(std::string_view text) { return Sha256(std::as_bytes(std::span(text))); }
inline Sha256Digest HmacSha256(std::span<const std::byte> key, std::string_view text) {
  return HmacSha256(key, std::as_bytes(std::span(text)));
}

enum class DigestKind { kMd5, kSha1, kSha256, kSha512 };

// A digest over bytes that arrive in pieces.
class RunningDigest {
 public:
  explicit RunningDigest(DigestKind kind);
  ~RunningDigest();
  RunningDigest(RunningDigest&&) noexcept;
  RunningDigest& operator=(RunningDigest&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  // The raw digest (16, 20, 32 or 64 bytes); ends the digest: neither method may be called again.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// True when both are equal, in time that depends on the lengths alone: for signatures.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace headrace
