// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/digest.h"

#include <algorithm>
#include <string>

// OpenSSL 3 calls SHA256_Init and its siblings deprecated; see Sha256OfBoth.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "headrace/base/error.h"

namespace headrace {
namespace {

// OpenSSL 3 looks a method up by name wherever it gets one of EVP_sha256()'s kind, its one-shot
// functions included; that costs more than hashing a request. These are looked up once, and kept
// for good.
const EVP_MD* Fetch(const char* name) {
  const EVP_MD* const method = EVP_MD_fetch(nullptr, name, nullptr);
  HR_CHECK(method != nullptr);
  return method;
}

const EVP_MD* Sha256Method() {
  static const EVP_MD* const method = Fetch("SHA256");
  return method;
}

const EVP_MD* Method(DigestKind kind) {
  switch (kind) {
    case DigestKind::kMd5: {
      static const EVP_MD* const method = Fetch("MD5");
      return method;
    }
    case DigestKind::kSha1: {
      static const EVP_MD* const method = Fetch("SHA1");
      return method;
    }
    case DigestKind::kSha256:
      break;
    case DigestKind::kSha512: {
      static const EVP_MD* const method = Fetch("SHA512");
      return method;
    }
  }
  return Sha256Method();
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

void Begin(EVP_MD_CTX* context, const EVP_MD* method) {
  HR_CHECK(EVP_DigestInit_ex2(context, method, nullptr) == 1);
}

unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

// One behind the other. Through the functions below EVP: a request is signed with three digests of
// a few hundred bytes, and EVP's way to the same code costs more than hashing them.
Sha256Digest Sha256OfBoth(std::span<const std::byte> first, std::span<const std::byte> second) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, first.data(), first.size());
  if (!second.empty()) SHA256_Update(&context, second.data(), second.size());
  Sha256Digest digest;
  SHA256_Final(Raw(digest.data()), &context);
  return digest;
}

}  // namespace

Sha256Digest Sha256(std::span<const std::byte> bytes) { return Sha256OfBoth(bytes, {}); }

Sha256Digest HmacSha256(std::span<const std::byte> key, std::span<const std::byte> bytes) {
  // Written out over SHA-256 (RFC 2104): OpenSSL 3's HMAC() looks its method up on every call too.
  std::array<std::byte, 64> padded{};
  if (key.size() > padded.size()) {
    const Sha256Digest short_key = Sha256(key);
    std::ranges::copy(short_key, padded.begin());
  } else {
    std::ranges::copy(key, padded.begin());
  }
  for (std::byte& b : padded) b ^= std::byte{0x36};
  const Sha256Digest inner = Sha256OfBoth(padded, bytes);
  for (std::byte& b : padded) b ^= std::byte{0x36 ^ 0x5c};
  return Sha256OfBoth(padded, inner);
}

struct RunningDigest::State {
  Context context{EVP_MD_CTX_new()};
};

RunningDigest::RunningDigest(DigestKind kind) : state_(std::make_unique<State>()) {
  Begin(state_->context.get(), Method(kind));
}
RunningDigest::~RunningDigest() = default;
RunningDigest::RunningDigest(RunningDigest&&) noexcept = default;
RunningDigest& RunningDigest::operator=(RunningDigest&&) noexcept = default;

void RunningDigest::Update(std::span<const std::byte> bytes) {
  HR_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string RunningDigest::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HR_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size) == 1);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace headrace
