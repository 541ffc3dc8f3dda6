// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/net/http_server.h"
#include "headrace/net/server_connection.h"

namespace headrace::net {
namespace {

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

const std::string& HttpServerCall::remote_address() const { return connection_.remote_address_; }

Task<Result<size_t>> HttpServerCall::ReadBody(std::span<std::byte> target) {
  auto count = co_await connection_.ReadBody(target);
  if (count) received_bytes_ += *count;
  co_return count;
}

void HttpServerCall::Abort() {
  connection_.keep_alive_ = false;
  connection_.socket_.Shutdown();
}

void HttpServerCall::ResetPartway(double share) {
  connection_.reset_share_ = share;
  if (!has_body()) return;
  // Of a body without a length, as if it had this one.
  constexpr uint64_t kUnknownBytes = 64 * 1024;
  const auto size = static_cast<double>(framing_.content_length.value_or(kUnknownBytes));
  connection_.bytes_before_reset_ = static_cast<uint64_t>(share * size);
}

void HttpServerCall::NoteAnswer(int status) {
  HR_CHECK(!has_responded());
  status_ = status;
  answered_at_ = RealClock().Now();
}

Task<Status> HttpServerCall::Respond(const HttpResponseHead& head,
                                     std::span<const std::byte> body) {
  NoteAnswer(head.status);
  if (connection_.awaits_continue_) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kSend);
  const std::optional<uint64_t> length =
      HasNoBody(head.status) ? std::nullopt : std::optional<uint64_t>(body.size());
  if (connection_.is_head_request_ || HasNoBody(head.status)) body = {};
  if (!connection_.BeginAnswer(body.size())) co_return connection_.Reset();
  const auto bytes = connection_.Serialize(head, length, false);
  auto sent = co_await connection_.Send(bytes, body, false);
  if (sent) sent_bytes_ = body.size();
  if (!sent) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::RespondFile(const HttpResponseHead& head, int file, uint64_t offset,
                                         uint64_t size_bytes) {
  NoteAnswer(head.status);
  if (connection_.awaits_continue_) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kSend);
  const bool sends_body = !connection_.is_head_request_ && size_bytes > 0;
  if (!connection_.BeginAnswer(sends_body ? size_bytes : 0)) co_return connection_.Reset();
  const auto bytes = connection_.Serialize(head, size_bytes, false);
  auto sent = co_await connection_.socket_.Write(bytes, {}, sends_body);
  if (sent && sends_body) {
    sent = co_await connection_.SendFile(file, offset, size_bytes);
    if (sent) sent_bytes_ = size_bytes;
  }
  if (!sent && !connection_.is_reset_) Abort();
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::StartResponse(const HttpResponseHead& head,
                                           std::optional<uint64_t> size_bytes) {
  NoteAnswer(head.status);
  // Of an answer without a length, as if it had this one.
  constexpr uint64_t kUnknownBytes = 64 * 1024;
  const uint64_t expected = connection_.is_head_request_ ? 0 : size_bytes.value_or(kUnknownBytes);
  if (!connection_.BeginAnswer(expected)) co_return connection_.Reset();
  // HTTP/1.0 knows no chunks: there the end of the connection ends the body.
  if (!size_bytes && connection_.was_http_1_0_) connection_.keep_alive_ = false;
  if (connection_.awaits_continue_) connection_.keep_alive_ = false;
  promised_bytes_ = size_bytes;
  is_unfinished_ = true;
  sends_chunked_ = !size_bytes && !connection_.was_http_1_0_;
  connection_.SetPhase(ServerConnection::Phase::kSend);
  const auto bytes = connection_.Serialize(head, size_bytes, sends_chunked_);
  auto sent = co_await connection_.socket_.Write(bytes, {});
  if (!sent) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::WriteBody(std::span<const std::byte> bytes) {
  if (bytes.empty() || connection_.is_head_request_) co_return Ok();
  connection_.SetPhase(ServerConnection::Phase::kSend);
  std::string chunk_head;
  if (sends_chunked_) chunk_head = fmt::format("{:x}\r\n", bytes.size());
  auto sent = co_await connection_.Send(AsBytes(chunk_head), bytes, sends_chunked_);
  if (sent && sends_chunked_) {
    constexpr std::string_view kLineEnd = "\r\n";
    sent = co_await connection_.socket_.Write(AsBytes(kLineEnd), {});
  }
  if (sent) sent_bytes_ += bytes.size();
  if (!sent) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::FinishResponse() {
  is_unfinished_ = false;
  if (connection_.is_head_request_) co_return Ok();
  if (!sends_chunked_) {
    if (promised_bytes_.value_or(sent_bytes_) == sent_bytes_) co_return Ok();
    Abort();
    co_return Fail(ErrorCode::kInternal, fmt::format("{} bytes were sent of an answer of {}",
                                                     sent_bytes_, *promised_bytes_));
  }
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  auto sent = co_await connection_.socket_.Write(AsBytes(kLastChunk), {});
  if (!sent) connection_.keep_alive_ = false;
  co_return sent;
}

HttpRefusal HttpHandler::AnswerBadHead(const HttpBadHead& bad) {
  return {.head = {.status = bad.status, .headers = {}}, .body = {}};
}

}  // namespace headrace::net
