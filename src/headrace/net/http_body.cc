// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_body.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace headrace::net {
namespace {

HttpAnswer::Body::Framing FramingOf(const ParsedHead<HttpResponseHead>& parsed,
                                    const std::string& method) {
  using Framing = HttpAnswer::Body::Framing;
  const int status = parsed.head.status;
  if (method == "HEAD" || status == 204 || status == 304) return Framing::kNone;
  if (parsed.framing.is_chunked) return Framing::kChunked;
  return parsed.framing.content_length ? Framing::kLength : Framing::kUntilClose;
}

Task<Result<size_t>> ReadNothing() { co_return size_t{0}; }

}  // namespace

HttpAnswer::Body::Body(std::shared_ptr<Connection> from, std::shared_ptr<ConnectionPool> back_to,
                       const ParsedHead<HttpResponseHead>& parsed, const std::string& method)
    : framing(FramingOf(parsed, method)),
      size_bytes(parsed.framing.content_length),
      reusable(parsed.keep_alive && framing != Framing::kUntilClose),
      connection_(std::move(from)),
      pool_(std::move(back_to)) {
  if (framing == Framing::kLength) left_bytes_ = *size_bytes;
}

void HttpAnswer::Body::FinishIfEmpty() {
  const bool is_empty =
      framing == Framing::kNone || (framing == Framing::kLength && left_bytes_ == 0);
  if (is_empty) Release(true);
}

void HttpAnswer::Body::Release(bool is_complete) {
  if (!connection_) return;
  pool_->EndCall(connection_, is_complete && reusable);
  connection_.reset();
}

Error HttpAnswer::Body::CutShort() const {
  return {ErrorCode::kUnavailable,
          fmt::format("receive from {}: connection closed in the middle of the body",
                      HostHeader(connection_->endpoint()))};
}

Task<Result<size_t>> HttpAnswer::Body::ReadLength(std::span<std::byte> target) {
  target = target.first(std::min<uint64_t>(target.size(), left_bytes_));
  HR_CO_TRY_ASSIGN(const size_t got, co_await connection_->ReadSome(target));
  if (got == 0) co_return std::unexpected(CutShort());
  left_bytes_ -= got;
  if (left_bytes_ == 0) Release(true);
  co_return got;
}

Task<Result<size_t>> HttpAnswer::Body::ReadChunked(std::span<std::byte> target) {
  ReceiveBuffer& received = connection_->received();
  while (true) {
    if (received.buffered().empty() && chunks_.chunk_bytes_left() > 0) {
      const auto direct =
          target.first(std::min<uint64_t>(target.size(), chunks_.chunk_bytes_left()));
      HR_CO_TRY_ASSIGN(const size_t got, co_await connection_->ReadSome(direct));
      if (got == 0) co_return std::unexpected(CutShort());
      chunks_.SkipData(got);
      co_return got;
    }
    if (received.buffered().empty()) {
      HR_CO_TRY_ASSIGN(const size_t got, co_await connection_->FillBuffer());
      if (got == 0) co_return std::unexpected(CutShort());
    }
    HR_CO_TRY_ASSIGN(const auto step, chunks_.Decode(received.buffered(), target));
    received.Consume(step.consumed);
    if (chunks_.is_done()) Release(true);
    if (step.produced > 0 || chunks_.is_done()) co_return step.produced;
  }
}

size_t HttpAnswer::Body::ReadAtOnce(std::span<std::byte> target) {
  if (!connection_ || framing != Framing::kLength) return 0;
  const size_t got =
      connection_->ReadAtOnce(target.first(std::min<uint64_t>(target.size(), left_bytes_)));
  left_bytes_ -= got;
  if (left_bytes_ == 0) Release(true);
  return got;
}

Task<Result<size_t>> HttpAnswer::Body::ReadUntilClose(std::span<std::byte> target) {
  HR_CO_TRY_ASSIGN(const size_t got, co_await connection_->ReadSome(target));
  if (got == 0) Release(true);
  co_return got;
}

// No coroutine of its own: each one between a caller and its socket costs every read a frame.
Task<Result<size_t>> HttpAnswer::Body::ReadSome(std::span<std::byte> target) {
  if (!connection_ || target.empty()) return ReadNothing();
  switch (framing) {
    case Framing::kNone:
      return ReadNothing();
    case Framing::kLength:
      return ReadLength(target);
    case Framing::kChunked:
      return ReadChunked(target);
    case Framing::kUntilClose:
      return ReadUntilClose(target);
  }
  return ReadNothing();
}

HttpAnswer::HttpAnswer() = default;
HttpAnswer::HttpAnswer(HttpResponseHead head, std::unique_ptr<Body> body)
    : head_(std::move(head)), body_(std::move(body)) {}
HttpAnswer::~HttpAnswer() = default;
HttpAnswer::HttpAnswer(HttpAnswer&&) noexcept = default;
HttpAnswer& HttpAnswer::operator=(HttpAnswer&&) noexcept = default;

std::optional<uint64_t> HttpAnswer::body_size_bytes() const {
  if (!body_ || body_->framing == Body::Framing::kNone) return 0;
  return body_->framing == Body::Framing::kLength ? body_->size_bytes : std::nullopt;
}

Task<Result<size_t>> HttpAnswer::ReadSome(std::span<std::byte> target) {
  return body_ ? body_->ReadSome(target) : ReadNothing();
}

size_t HttpAnswer::ReadAtOnce(std::span<std::byte> target) {
  return body_ ? body_->ReadAtOnce(target) : 0;
}

Task<Result<size_t>> HttpAnswer::ReadFull(std::span<std::byte> target) {
  size_t filled = 0;
  while (filled < target.size()) {
    const auto rest = target.subspan(filled);
    HR_CO_TRY_ASSIGN(const size_t got, co_await ReadSome(rest));
    if (got == 0) break;
    filled += got;
  }
  co_return filled;
}

Task<Result<std::string>> HttpAnswer::ReadText(size_t size_bytes_max) {
  std::string text;
  const auto announced = body_size_bytes();
  if (announced && *announced <= size_bytes_max) text.reserve(*announced);
  while (true) {
    const size_t before = text.size();
    const size_t step = std::min<size_t>(16 * 1024, size_bytes_max - before + 1);
    text.resize(before + step);
    const auto room = std::as_writable_bytes(std::span(text)).subspan(before);
    HR_CO_TRY_ASSIGN(const size_t got, co_await ReadSome(room));
    text.erase(before + got);
    if (got == 0) co_return text;
    if (text.size() > size_bytes_max) {
      co_return Fail(ErrorCode::kCorrupt,
                     fmt::format("answer is longer than {} bytes", size_bytes_max));
    }
  }
}

}  // namespace headrace::net
