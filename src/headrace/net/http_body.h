// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "headrace/net/chunked_decoder.h"
#include "headrace/net/connection_pool.h"
#include "headrace/net/head_parser.h"
#include "headrace/net/http_client.h"

namespace headrace::net {

// The unread rest of an answer and the connection it comes over, which is given back once, at the
// body's end or with this object.
struct HttpAnswer::Body {
  enum class Framing { kNone, kLength, kChunked, kUntilClose };

  Body(std::shared_ptr<Connection> from, std::shared_ptr<ConnectionPool> back_to,
       const ParsedHead<HttpResponseHead>& parsed, const std::string& method);
  ~Body() { Release(false); }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  Task<Result<size_t>> ReadSome(std::span<std::byte> target);
  size_t ReadAtOnce(std::span<std::byte> target);
  void FinishIfEmpty();

  Framing framing = Framing::kNone;
  std::optional<uint64_t> size_bytes;  // As announced.
  bool reusable = false;               // The connection may carry another request after this body.

 private:
  Task<Result<size_t>> ReadLength(std::span<std::byte> target);
  Task<Result<size_t>> ReadChunked(std::span<std::byte> target);
  Task<Result<size_t>> ReadUntilClose(std::span<std::byte> target);
  void Release(bool is_complete);
  Error CutShort() const;

  std::shared_ptr<Connection> connection_;  // Null once given back.
  std::shared_ptr<ConnectionPool> pool_;
  uint64_t left_bytes_ = 0;  // kLength only.
  ChunkedDecoder chunks_;
};

}  // namespace headrace::net
