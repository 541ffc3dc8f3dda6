// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/digest.h"

namespace headrace {

// A key pair on the curve P-256 for ECDSA signatures over SHA-256 digests (OpenSSL).
// Threads: all methods may be called at once from any thread.
class P256Key {
 public:
  using Scalar = std::array<std::byte, 32>;  // Big-endian.

  // Nothing for zero and for numbers from the curve's order on.
  static std::optional<P256Key> FromScalar(const Scalar& private_key);

  // In DER, 70 to 72 bytes; another one at each call.
  std::string Sign(const Sha256Digest& digest) const;
  bool Verify(const Sha256Digest& digest, std::span<const std::byte> der_signature) const;
  // The public point: 4, x, y.
  std::array<std::byte, 65> PublicPoint() const { return public_point_; }

 private:
  P256Key() = default;

  std::shared_ptr<void> key_;  // An EVP_PKEY, immutable once made.
  std::array<std::byte, 65> public_point_{};
};

}  // namespace headrace
