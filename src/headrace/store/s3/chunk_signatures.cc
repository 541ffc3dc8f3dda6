// SPDX-License-Identifier: Apache-2.0
// The signatures of the chunks of a body, from sigv4.h.
#include <utility>

#include "headrace/base/encoding.h"
#include "headrace/store/s3/sigv4.h"
#include "headrace/store/s3/sigv4a.h"

namespace headrace::s3 {
namespace {

// A SigV4A signature is filled up to a fixed length with '*' and continues the chain without.
std::string_view Unpadded(std::string_view signature) {
  while (signature.starts_with('*')) signature.remove_prefix(1);
  while (signature.ends_with('*')) signature.remove_suffix(1);
  return signature;
}

}  // namespace

ChunkSignatures::ChunkSignatures(std::shared_ptr<const P256Key> key, std::string timestamp,
                                 std::string scope, std::string_view seed_signature)
    : asymmetric_key_(std::move(key)),
      timestamp_(std::move(timestamp)),
      scope_(std::move(scope)),
      previous_(Unpadded(seed_signature)) {}

std::string ChunkSignatures::ChunkText(const Sha256Digest& chunk_digest) const {
  std::string text(is_asymmetric() ? kSigV4aAlgorithm : kSigV4Algorithm);
  text.append("-PAYLOAD\n").append(timestamp_).append("\n").append(scope_).append("\n");
  text.append(previous_).append("\n").append(kEmptySha256).append("\n");
  return text + HexEncode(chunk_digest);
}

std::string ChunkSignatures::TrailerText(std::string_view trailers) const {
  std::string text(is_asymmetric() ? kSigV4aAlgorithm : kSigV4Algorithm);
  text.append("-TRAILER\n").append(timestamp_).append("\n").append(scope_).append("\n");
  return text.append(previous_).append("\n") + HexEncode(Sha256(trailers));
}

bool ChunkSignatures::Check(std::string_view signed_text, std::string_view signature) {
  if (is_asymmetric()) {
    previous_ = Unpadded(signature);
    return VerifySigV4a(*asymmetric_key_, signed_text, previous_);
  }
  previous_ = Signature(signing_key_, signed_text);
  return EqualInConstantTime(previous_, signature);
}

bool ChunkSignatures::CheckChunk(const Sha256Digest& chunk_digest, std::string_view signature) {
  return Check(ChunkText(chunk_digest), signature);
}

bool ChunkSignatures::CheckTrailer(std::string_view trailers, std::string_view signature) {
  return Check(TrailerText(trailers), signature);
}

std::string ChunkSignatures::NextChunk(const Sha256Digest& chunk_digest) {
  previous_ = Signature(signing_key_, ChunkText(chunk_digest));
  return previous_;
}

std::string ChunkSignatures::Trailer(std::string_view trailers) {
  previous_ = Signature(signing_key_, TrailerText(trailers));
  return previous_;
}

}  // namespace headrace::s3
