// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/random.h"

#include <sys/random.h>

#include <span>

#include "headrace/base/encoding.h"
#include "headrace/base/error.h"

namespace headrace {
namespace {

void FillFromKernel(std::span<std::byte> target) {
  while (!target.empty()) {
    const ssize_t taken = getrandom(target.data(), target.size(), 0);
    if (taken < 0) continue;  // EINTR: the only error a valid buffer and no flags can give.
    target = target.subspan(static_cast<size_t>(taken));
  }
}

}  // namespace

Random Random::FromEntropy() {
  uint64_t seed = 0;
  FillFromKernel(std::as_writable_bytes(std::span(&seed, 1)));
  return Random(seed);
}

std::string RandomHex(size_t byte_count) {
  std::string bytes(byte_count, '\0');
  FillFromKernel(std::as_writable_bytes(std::span(bytes)));
  return HexEncode(AsBytes(bytes));
}

}  // namespace headrace
