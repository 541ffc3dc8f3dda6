// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>

#include "headrace/gateway/authenticator.h"
#include "headrace/net/chunk_framing.h"
#include "headrace/net/http_server.h"
#include "headrace/store/object_store.h"

namespace headrace::gateway {

// The object bytes of a request, out of whichever form they travel in: plain, or aws-chunked with
// or without signatures and trailers. Everything that the request says about them (SHA-256,
// Content-MD5, x-amz-checksum-…, chunk signatures, decoded length) has been verified when Read says
// the end.
class RequestBody final : public ByteSource {
 public:
  // `call` outlives it. InvalidDigest, MissingContentLength, NotImplemented for an unknown form.
  static Result<RequestBody> Make(net::HttpServerCall& call, Identity identity);

  // The same, with x-amz-checksum-… headers left to the caller.
  static Result<RequestBody> MakeUnsummed(net::HttpServerCall& call, Identity identity);

  std::optional<uint64_t> size_bytes() const override { return size_bytes_; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override;
  std::optional<ChecksumAlgorithm> verified_algorithm() const override { return algorithm_; }
  std::optional<Checksum> verified_checksum() const override { return checksum_; }

 private:
  explicit RequestBody(net::HttpServerCall& call, Identity identity)
      : call_(&call), identity_(std::move(identity)) {}
  Status ReadDeclarations();
  Status ReadForm();

  Task<Result<size_t>> ReadBytes(std::span<std::byte> target);
  Task<Result<size_t>> ReadChunked(std::span<std::byte> target);
  Task<Result<size_t>> ReadRaw(std::span<std::byte> target);
  Task<Result<size_t>> ReadFraming();
  Task<Status> CheckNothingFollows();
  Status NoteChunkHeader();
  Status EndChunk();
  Status CheckTrailers();
  Status CheckEnd();

  net::HttpServerCall* call_;
  Identity identity_;
  std::optional<uint64_t> size_bytes_;
  uint64_t read_bytes_ = 0;
  bool has_ended_ = false;

  bool is_chunked_ = false;  // aws-chunked, whatever HTTP does around it.
  bool is_signed_ = false;   // Each chunk carries a signature.
  bool has_trailers_ = false;
  net::ChunkFraming framing_;
  uint64_t chunks_seen_ = 0;
  std::string chunk_signature_;
  std::optional<RunningDigest> chunk_digest_;
  // Framing arrives through here; data goes straight to its target where it can.
  std::array<char, 4096> input_;
  size_t input_begin_ = 0;
  size_t input_end_ = 0;

  std::optional<RunningDigest> sha256_;
  std::optional<RunningDigest> md5_;
  std::string expected_md5_;  // Raw.
  std::optional<RunningChecksum> running_checksum_;
  std::optional<ChecksumAlgorithm> algorithm_;
  std::string expected_checksum_;  // Base64; of a trailer, once it has come.
  std::optional<Checksum> checksum_;
};

// The whole body as text, verified; EntityTooLarge-style MalformedXML past `size_bytes_max`.
Task<Result<std::string>> ReadBodyText(RequestBody& body, size_t size_bytes_max);

}  // namespace headrace::gateway
