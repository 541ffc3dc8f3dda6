// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/digest.h"

#include <string>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "headrace/base/error.h"

namespace headrace {
namespace {

const EVP_MD* Method(DigestKind kind) {
  switch (kind) {
    case DigestKind::kMd5:
      return EVP_md5();
    case DigestKind::kSha1:
      return EVP_sha1();
    case DigestKind::kSha256:
      return EVP_sha256();
    case DigestKind::kSha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace

Sha256Digest Sha256(std::span<const std::byte> bytes) {
  Sha256Digest digest;
  SHA256(Raw(bytes.data()), bytes.size(), Raw(digest.data()));
  return digest;
}

Sha256Digest HmacSha256(std::span<const std::byte> key, std::span<const std::byte> bytes) {
  // Written out over SHA-256 (RFC 2104): OpenSSL 3's HMAC() fetches its method by name on every
  // call, which costs more than the hashing of a request.
  constexpr size_t kBlock = 64;
  std::array<std::byte, kBlock> padded{};
  if (key.size() > kBlock) {
    const Sha256Digest short_key = Sha256(key);
    std::copy(short_key.begin(), short_key.end(), padded.begin());
  } else {
    std::copy(key.begin(), key.end(), padded.begin());
  }
  std::string inner;
  inner.reserve(kBlock + bytes.size());
  for (const std::byte b : padded) inner.push_back(static_cast<char>(b ^ std::byte{0x36}));
  inner.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Sha256Digest inner_digest = Sha256(inner);
  std::array<std::byte, kBlock + 32> outer{};
  for (size_t i = 0; i < kBlock; ++i) outer[i] = padded[i] ^ std::byte{0x5c};
  std::copy(inner_digest.begin(), inner_digest.end(), outer.begin() + kBlock);
  return Sha256(outer);
}

struct RunningDigest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

RunningDigest::RunningDigest(DigestKind kind) : state_(std::make_unique<State>()) {
  HR_CHECK(EVP_DigestInit_ex(state_->context, Method(kind), nullptr) == 1);
}
RunningDigest::~RunningDigest() = default;
RunningDigest::RunningDigest(RunningDigest&&) noexcept = default;
RunningDigest& RunningDigest::operator=(RunningDigest&&) noexcept = default;

void RunningDigest::Update(std::span<const std::byte> bytes) {
  HR_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string RunningDigest::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HR_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace headrace
