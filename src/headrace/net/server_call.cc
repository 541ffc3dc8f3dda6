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

void HttpServerCall::CloseAfterwards() { connection_.keep_alive_ = false; }

void HttpServerCall::Abort() {
  connection_.keep_alive_ = false;
  connection_.socket_.Shutdown();
}

Task<Status> HttpServerCall::Respond(const HttpResponseHead& head,
                                     std::span<const std::byte> body) {
  HR_CHECK(!has_responded());
  status_ = head.status;
  if (connection_.awaits_continue_) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kTransfer);
  const std::optional<uint64_t> length =
      HasNoBody(head.status) ? std::nullopt : std::optional<uint64_t>(body.size());
  if (connection_.is_head_request_ || HasNoBody(head.status)) body = {};
  const auto bytes = connection_.Serialize(head, length, false);
  sent_bytes_ = body.size();
  auto sent = co_await connection_.socket_.Write(bytes, body);
  if (!sent) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::RespondFile(const HttpResponseHead& head, int file, uint64_t offset,
                                         uint64_t size_bytes) {
  HR_CHECK(!has_responded());
  status_ = head.status;
  connection_.SetPhase(ServerConnection::Phase::kTransfer);
  const auto bytes = connection_.Serialize(head, size_bytes, false);
  const bool sends_body = !connection_.is_head_request_ && size_bytes > 0;
  auto sent = co_await connection_.socket_.Write(bytes, {}, sends_body);
  if (sent && sends_body) {
    sent = co_await connection_.socket_.SendFile(file, offset, size_bytes);
    sent_bytes_ = size_bytes;
  }
  if (!sent) Abort();
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::StartResponse(const HttpResponseHead& head,
                                           std::optional<uint64_t> size_bytes) {
  HR_CHECK(!has_responded());
  status_ = head.status;
  // HTTP/1.0 knows no chunks: there the end of the connection ends the body.
  if (!size_bytes && connection_.was_http_1_0_) connection_.keep_alive_ = false;
  sends_chunked_ = !size_bytes && !connection_.was_http_1_0_;
  const auto bytes = connection_.Serialize(head, size_bytes, sends_chunked_);
  auto sent = co_await connection_.socket_.Write(bytes, {});
  if (!sent) connection_.keep_alive_ = false;
  co_return sent;
}

Task<Status> HttpServerCall::WriteBody(std::span<const std::byte> bytes) {
  if (bytes.empty() || connection_.is_head_request_) co_return Ok();
  connection_.SetPhase(ServerConnection::Phase::kTransfer);
  std::string chunk_head;
  if (sends_chunked_) chunk_head = fmt::format("{:x}\r\n", bytes.size());
  auto sent = co_await connection_.socket_.Write(AsBytes(chunk_head), bytes, sends_chunked_);
  if (sent && sends_chunked_) {
    constexpr std::string_view kLineEnd = "\r\n";
    sent = co_await connection_.socket_.Write(AsBytes(kLineEnd), {});
  }
  sent_bytes_ += bytes.size();
  if (!sent) connection_.keep_alive_ = false;
  connection_.SetPhase(ServerConnection::Phase::kHandler);
  co_return sent;
}

Task<Status> HttpServerCall::FinishResponse() {
  if (!sends_chunked_ || connection_.is_head_request_) co_return Ok();
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  co_return co_await connection_.socket_.Write(AsBytes(kLastChunk), {});
}

}  // namespace headrace::net
