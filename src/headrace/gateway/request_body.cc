// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/request_body.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr uint64_t kObjectBytesMax = 50ULL << 40U;

bool IsHexDigest(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return HexDigitValue(c) >= 0; });
}

Sha256Digest DigestOf(RunningDigest& running) {
  const std::string raw = running.Finish();
  Sha256Digest digest;
  std::memcpy(digest.data(), raw.data(), digest.size());
  return digest;
}

// The algorithm of a header or trailer name such as x-amz-checksum-crc32c.
std::optional<ChecksumAlgorithm> AlgorithmOfName(std::string_view lower_name) {
  if (!lower_name.starts_with(kChecksumPrefix)) return std::nullopt;
  return ParseChecksumAlgorithm(lower_name.substr(kChecksumPrefix.size()));
}

}  // namespace

Result<RequestBody> RequestBody::Make(net::HttpServerCall& call, Identity identity) {
  RequestBody body(call, std::move(identity));
  HR_TRY(body.ReadForm());
  HR_TRY(body.ReadDeclarations());
  return body;
}

Result<RequestBody> RequestBody::MakeUnsummed(net::HttpServerCall& call, Identity identity) {
  RequestBody body(call, std::move(identity));
  HR_TRY(body.ReadForm());
  return body;
}

Status RequestBody::ReadForm() {
  const std::string& form = identity_.payload_hash;
  const auto& framing = call_->framing();
  size_bytes_ = framing.is_chunked ? std::nullopt
                                   : std::optional<uint64_t>(framing.content_length.value_or(0));
  if (!framing.is_chunked && !framing.content_length && call_->head().method == "PUT") {
    return FailS3("MissingContentLength", "a PUT needs Content-Length or chunked encoding");
  }
  if (form.starts_with("STREAMING-")) {
    is_chunked_ = true;
    const bool is_asymmetric =
        form == s3::kStreamingAsymmetric || form == s3::kStreamingAsymmetricTrailer;
    is_signed_ =
        is_asymmetric || form == s3::kStreamingSigned || form == s3::kStreamingSignedTrailer;
    has_trailers_ = form.ends_with("-TRAILER");
    if (!is_signed_ && form != s3::kStreamingUnsignedTrailer) {
      return FailS3("NotImplemented",
                    fmt::format("bodies of the form {} are not implemented", form));
    }
    if (is_signed_ && identity_.chunks && identity_.chunks->is_asymmetric() != is_asymmetric) {
      return FailS3(
          "InvalidArgument",
          fmt::format("a body of the form {} needs a request signed by the same algorithm", form));
    }
    size_bytes_ = ParseDecimal(call_->head().headers.Value("x-amz-decoded-content-length"));
    if (!size_bytes_) {
      return FailS3("MissingContentLength", "aws-chunked needs x-amz-decoded-content-length");
    }
  } else if (IsHexDigest(form)) {
    sha256_.emplace(DigestKind::kSha256);
  } else if (!form.empty() && form != s3::kUnsignedPayload) {
    return FailS3("InvalidArgument",
                  "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING form or a digest");
  }
  if (size_bytes_.value_or(0) > kObjectBytesMax) {
    return FailS3("EntityTooLarge", "the object is larger than 50 TiB");
  }
  return Ok();
}

Status RequestBody::ReadDeclarations() {
  const auto& headers = call_->head().headers;
  if (const auto md5 = headers.Find("Content-MD5")) {
    expected_md5_ = Base64Decode(*md5).value_or(std::string());
    if (expected_md5_.size() != 16) return FailS3("InvalidDigest", "Content-MD5 is not an MD5");
    md5_.emplace(DigestKind::kMd5);
  }
  for (const auto& [name, value] : headers.fields()) {
    const auto algorithm = AlgorithmOfName(LowerCase(name));
    if (!algorithm) continue;
    if (algorithm_) return FailS3("InvalidRequest", "more than one checksum is given");
    algorithm_ = algorithm;
    expected_checksum_ = value;
    if (Base64Decode(value).value_or("").size() != ChecksumSizeBytes(*algorithm)) {
      return FailS3("InvalidRequest", fmt::format("Value for {} header is invalid.", name));
    }
  }
  if (!algorithm_ && has_trailers_) {
    const std::string trailer = LowerCase(headers.Value("x-amz-trailer"));
    algorithm_ = AlgorithmOfName(trailer);
    if (!algorithm_ && trailer.starts_with(kChecksumPrefix)) {
      return FailS3("InvalidRequest",
                    "the checksum that x-amz-trailer names is none that is known");
    }
  }
  if (algorithm_) running_checksum_.emplace(*algorithm_);
  return Ok();
}

Task<Result<size_t>> RequestBody::Read(std::span<std::byte> target) {
  if (has_ended_) co_return size_t{0};
  HR_CO_TRY_ASSIGN(const size_t count, co_await ReadBytes(target));
  if (count == 0) {
    has_ended_ = true;
    HR_CO_TRY(CheckEnd());
    co_return size_t{0};
  }
  const auto bytes = target.first(count);
  read_bytes_ += count;
  if (sha256_) sha256_->Update(bytes);
  if (md5_) md5_->Update(bytes);
  if (running_checksum_) running_checksum_->Update(bytes);
  co_return count;
}

Task<Result<size_t>> RequestBody::ReadBytes(std::span<std::byte> target) {
  // Awaited one by one: g++ 12 destroys the result of a conditional with co_await twice.
  Result<size_t> count = size_t{0};
  if (is_chunked_) {
    count = co_await ReadChunked(target);
  } else {
    count = co_await call_->ReadBody(target);
  }
  // A body that came too slowly stays RequestTimeout.
  if (!count && count.error().origin().s3_code.empty() &&
      count.error().code() != ErrorCode::kTimedOut) {
    co_return FailS3("IncompleteBody", count.error().message());
  }
  co_return count;
}

Task<Result<size_t>> RequestBody::ReadRaw(std::span<std::byte> target) {
  if (input_begin_ < input_end_) {
    const size_t count = std::min(target.size(), input_end_ - input_begin_);
    std::memcpy(target.data(), input_.data() + input_begin_, count);
    input_begin_ += count;
    co_return count;
  }
  co_return co_await call_->ReadBody(target);
}

Task<Result<size_t>> RequestBody::ReadChunked(std::span<std::byte> target) {
  while (framing_.data_left_bytes() == 0) {
    if (input_begin_ == input_end_) {
      HR_CO_TRY_ASSIGN(const size_t more, co_await ReadFraming());
      if (more == 0) co_return FailS3("IncompleteBody", "the body ended before its last chunk");
    }
    const std::string_view input(input_.data() + input_begin_, input_end_ - input_begin_);
    const auto taken = framing_.Advance(input);
    if (!taken) {
      co_return FailS3(framing_.is_in_trailers() ? "MalformedTrailerError" : "IncompleteBody",
                       taken.error().message());
    }
    input_begin_ += *taken;
    HR_CO_TRY(NoteChunkHeader());
    if (framing_.is_done()) {
      HR_CO_TRY(co_await CheckNothingFollows());
      HR_CO_TRY(CheckTrailers());
      co_return size_t{0};
    }
  }
  const size_t wanted = std::min<uint64_t>(target.size(), framing_.data_left_bytes());
  HR_CO_TRY_ASSIGN(const size_t count, co_await ReadRaw(target.first(wanted)));
  if (count == 0) co_return FailS3("IncompleteBody", "the body ended in the middle of a chunk");
  if (chunk_digest_) chunk_digest_->Update(target.first(count));
  framing_.TakeData(count);
  if (framing_.data_left_bytes() == 0) HR_CO_TRY(EndChunk());
  co_return count;
}

// More bytes into `input_`, which is used up; 0: the request's body has ended.
Task<Result<size_t>> RequestBody::ReadFraming() {
  const auto room = std::as_writable_bytes(std::span(input_));
  HR_CO_TRY_ASSIGN(input_end_, co_await call_->ReadBody(room));
  input_begin_ = 0;
  co_return input_end_;
}

// S3 takes an aws-chunked body that goes on behind its end for one that is broken.
Task<Status> RequestBody::CheckNothingFollows() {
  if (input_begin_ == input_end_) {
    HR_CO_TRY_ASSIGN(const size_t more, co_await ReadFraming());
    if (more == 0) co_return Ok();
  }
  co_return FailS3("IncompleteBody", "the body goes on after its last chunk and trailers");
}

Status RequestBody::NoteChunkHeader() {
  if (framing_.chunk_count() == chunks_seen_) return Ok();
  ++chunks_seen_;
  if (!is_signed_) return Ok();
  constexpr std::string_view kName = "chunk-signature=";
  const std::string& extension = framing_.extension();
  if (!extension.starts_with(kName)) {
    return FailS3("InvalidRequest", "a chunk has no chunk-signature");
  }
  chunk_signature_ = extension.substr(kName.size());
  if (!identity_.chunks) return Ok();
  chunk_digest_.emplace(DigestKind::kSha256);
  // The last chunk has no data whose end would come.
  return framing_.data_left_bytes() == 0 ? EndChunk() : Ok();
}

Status RequestBody::EndChunk() {
  if (!chunk_digest_) return Ok();
  const Sha256Digest digest = DigestOf(*chunk_digest_);
  chunk_digest_.reset();
  if (identity_.chunks->CheckChunk(digest, chunk_signature_)) return Ok();
  return FailS3("SignatureDoesNotMatch", "the signature of a chunk is not the right one");
}

Status RequestBody::CheckTrailers() {
  const std::string_view announced = call_->head().headers.Value("x-amz-trailer");
  std::string signed_text;
  for (const auto& [name, value] : framing_.trailers().fields()) {
    const std::string lower = LowerCase(name);
    if (lower == kTrailerSignature && is_signed_ && has_trailers_) continue;
    if (!has_trailers_ || !net::HasToken(announced, lower)) {
      return FailS3("MalformedTrailerError",
                    fmt::format("x-amz-trailer does not name the trailer {} that came", lower));
    }
    signed_text += lower + ":" + value + "\n";
    if (algorithm_ && expected_checksum_.empty() && AlgorithmOfName(lower) == algorithm_) {
      expected_checksum_ = value;
    }
  }
  if (!has_trailers_) return Ok();
  if (algorithm_ && expected_checksum_.empty()) {
    return FailS3("MalformedTrailerError", "the trailer that x-amz-trailer names did not come");
  }
  if (!is_signed_ || !identity_.chunks) return Ok();
  const std::string_view given = framing_.trailers().Value(kTrailerSignature);
  if (identity_.chunks->CheckTrailer(signed_text, given)) return Ok();
  return FailS3("SignatureDoesNotMatch", "the signature of the trailer is not the right one");
}

Status RequestBody::CheckEnd() {
  if (size_bytes_ && *size_bytes_ != read_bytes_) {
    return FailS3("IncompleteBody", fmt::format("the body has {} bytes, not the {} it announced",
                                                read_bytes_, *size_bytes_));
  }
  if (sha256_ && HexEncode(AsBytes(sha256_->Finish())) != LowerCase(identity_.payload_hash)) {
    return FailS3("XAmzContentSHA256Mismatch",
                  "the body's SHA-256 is not the one in x-amz-content-sha256");
  }
  if (md5_ && md5_->Finish() != expected_md5_) {
    return FailS3("BadDigest", "the body's MD5 is not the one in Content-MD5");
  }
  if (!running_checksum_) return Ok();
  checksum_ = running_checksum_->Finish();
  if (!expected_checksum_.empty() && checksum_->value != expected_checksum_) {
    return FailS3("BadDigest", fmt::format("the body's {} is not the one that was sent",
                                           ChecksumName(*algorithm_)));
  }
  return Ok();
}

Task<Result<std::string>> ReadBodyText(RequestBody& body, size_t size_bytes_max) {
  std::string text;
  std::array<std::byte, 8192> piece;
  while (true) {
    HR_CO_TRY_ASSIGN(const size_t count, co_await body.Read(piece));
    if (count == 0) co_return text;
    if (text.size() + count > size_bytes_max) {
      co_return FailS3("MalformedXML", "the XML of the request is too large");
    }
    text.append(AsText(std::span(piece).first(count)));
  }
}

}  // namespace headrace::gateway
