// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/sigv4a.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "headrace/base/encoding.h"

namespace headrace::s3 {
namespace {

// Big-endian; true when the carry ran out at the top.
bool AddOne(P256Key::Scalar& number) {
  for (size_t i = number.size(); i-- > 0;) {
    number[i] = std::byte(std::to_integer<unsigned>(number[i]) + 1U);
    if (number[i] != std::byte(0)) return false;
  }
  return true;
}

}  // namespace

// NIST SP 800-108 in counter mode, with HMAC-SHA256 over one block: a candidate above the order
// minus two makes way for the next counter, the private key is the candidate plus one.
P256Key DeriveSigV4aKey(std::string_view access_key_id, std::string_view secret_access_key) {
  const std::string input_key = std::string("AWS4A").append(secret_access_key);
  constexpr unsigned kCounterMax = 254;
  for (unsigned counter = 1; counter <= kCounterMax; ++counter) {
    std::string text("\x00\x00\x00\x01", 4);
    text.append(kSigV4aAlgorithm).push_back('\0');
    text.append(access_key_id).push_back(static_cast<char>(counter));
    text.append(std::string_view("\x00\x00\x01\x00", 4));
    P256Key::Scalar candidate = HmacSha256(AsBytes(input_key), text);
    if (AddOne(candidate)) continue;
    // Candidates up to the order minus two become one up to the order minus one.
    if (auto key = P256Key::FromScalar(candidate)) return *std::move(key);
  }
  // Each counter fails with a probability of 2^-32.
  CheckFailed("a candidate fits", __FILE__, __LINE__);
}

std::shared_ptr<const P256Key> SigV4aKeyCache::KeyFor(const AccessKeys& keys) {
  {
    const MutexLock lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.access_key_id == keys.access_key_id &&
          entry.secret_access_key == keys.secret_access_key) {
        return entry.key;
      }
    }
  }
  auto key =
      std::make_shared<const P256Key>(DeriveSigV4aKey(keys.access_key_id, keys.secret_access_key));
  Entry entry{
      .access_key_id = keys.access_key_id, .secret_access_key = keys.secret_access_key, .key = key};
  const MutexLock lock(mutex_);
  if (entries_.size() < kEntryCountMax) {
    entries_.push_back(std::move(entry));
  } else {
    entries_[next_replaced_] = std::move(entry);
    next_replaced_ = (next_replaced_ + 1) % kEntryCountMax;
  }
  return key;
}

bool VerifySigV4a(const P256Key& key, std::string_view signed_text, std::string_view signature) {
  while (signature.starts_with('*')) signature.remove_prefix(1);
  while (signature.ends_with('*')) signature.remove_suffix(1);
  const auto der = HexDecode(signature);
  return der && key.Verify(Sha256(signed_text), AsBytes(*der));
}

std::string SignSigV4a(const P256Key& key, std::string_view signed_text) {
  const std::string der = key.Sign(Sha256(signed_text));
  return HexEncode(AsBytes(der));
}

Result<std::string> SigV4aStringToSign(const net::HttpRequestHead& head,
                                       const ParsedSignature& parsed) {
  HR_TRY_ASSIGN(const std::string canonical_request, CanonicalRequestOf(head, parsed));
  std::string text(kSigV4aAlgorithm);
  text.append("\n").append(parsed.timestamp).append("\n").append(parsed.ScopeText()).append("\n");
  return text + HexEncode(Sha256(canonical_request));
}

}  // namespace headrace::s3
