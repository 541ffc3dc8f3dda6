// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/server_connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"

namespace headrace::net {
namespace {

// Requests of S3 clients are 600 to 1,500 bytes; presigned ones with a session token about 3,000.
constexpr size_t kInputBytesFirst = 4 * 1024;
// What a closing connection still reads, so that the peer sees the answer before a reset.
constexpr size_t kLingerReads = 64;

}  // namespace

ServerConnection::ServerConnection(asio::ip::tcp::socket socket, ServerShard& shard,
                                   std::string remote_address)
    : socket_(std::move(socket)),
      shard_(shard),
      remote_address_(std::move(remote_address)),
      phase_since_(shard.now),
      receive_pace_(shard.options->connection_rate_bytes),
      send_pace_(shard.options->connection_rate_bytes) {
  shard_.connections.insert(this);
}

ServerConnection::~ServerConnection() { shard_.connections.erase(this); }

void ServerConnection::SetPhase(Phase phase) {
  phase_ = phase;
  phase_since_ = shard_.now;
}

bool ServerConnection::IsTooSlow() {
  const HttpServerOptions& options = *shard_.options;
  const auto passed = shard_.now - phase_since_;
  switch (phase_) {
    case Phase::kHandshake:
      return passed > options.handshake_timeout;
    case Phase::kIdle:
      return passed > options.idle_timeout;
    case Phase::kHead:
      return passed > options.head_timeout;
    case Phase::kBody: {
      const auto window = static_cast<uint64_t>(options.body_timeout.count());
      if (++body_ticks_ <= window) return false;
      const uint64_t moved = socket_.moved_bytes() - body_began_bytes_;
      body_ticks_ = 0;
      body_began_bytes_ = socket_.moved_bytes();
      const bool is_held_back = receive_pace_.is_limited();
      return moved <
             (is_held_back ? 1 : std::max<uint64_t>(options.body_rate_min_bytes * window, 1));
    }
    case Phase::kSend:
      if (socket_.moved_bytes() == moved_bytes_seen_) return passed > options.send_timeout;
      moved_bytes_seen_ = socket_.moved_bytes();
      phase_since_ = shard_.now;
      return false;
    case Phase::kLinger:
      return passed > options.send_timeout;
    case Phase::kHandler:
      return false;
  }
  return false;
}

void ServerConnection::EndIfStalled() {
  if (!IsTooSlow()) return;
  if (phase_ == Phase::kHead || phase_ == Phase::kBody) {
    // Whoever reads fails, and can still say why to the peer.
    has_timed_out_ = true;
    socket_.ShutdownReceive();
    SetPhase(Phase::kHandler);
  } else {
    socket_.Shutdown();
  }
}

void ServerConnection::End(bool when_idle) {
  const bool is_idle =
      phase_ == Phase::kIdle || phase_ == Phase::kHandshake || phase_ == Phase::kLinger;
  if (!when_idle || is_idle) socket_.Shutdown();
}

Task<void> ServerConnection::Run() {
  if (shard_.options->tls != nullptr) {
    SetPhase(Phase::kHandshake);
    const Status secured = co_await socket_.StartTls(*shard_.options->tls);
    if (!secured) co_return;
  }
  bool goes_on = true;
  while (goes_on) goes_on = co_await ServeOne();
  if (is_reset_) socket_.ResetOnClose();
}

// Reads more into the input buffer, which grows up to the largest head.
Task<Status> ServerConnection::Fill() {
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  if (input_end_ == input_size_) {
    const size_t size = std::max(kInputBytesFirst, input_size_ * (input_begin_ == 0 ? 2 : 1));
    auto larger = std::make_unique_for_overwrite<char[]>(size);
    const size_t used = input_end_ - input_begin_;
    if (used > 0) std::memcpy(larger.get(), input_.get() + input_begin_, used);
    input_ = std::move(larger);
    input_size_ = size;
    input_begin_ = 0;
    input_end_ = used;
  }
  const auto room =
      std::as_writable_bytes(std::span(input_.get() + input_end_, input_size_ - input_end_));
  HR_CO_TRY_ASSIGN(const size_t count, co_await socket_.ReadSome(room));
  if (count == 0) co_return Fail(ErrorCode::kUnavailable, "the client closed the connection");
  input_end_ += count;
  co_return Ok();
}

// Nothing: the connection is over.
Task<std::optional<ParsedHead<HttpRequestHead>>> ServerConnection::ReadHead() {
  if (unread().empty()) {
    input_.reset();
    input_size_ = input_begin_ = input_end_ = 0;
    SetPhase(Phase::kIdle);
    if (shard_.is_stopping) co_return std::nullopt;
    if (!co_await socket_.WaitReadable()) co_return std::nullopt;
  }
  SetPhase(Phase::kHead);
  while (true) {
    // RFC 9112 section 2.2: empty lines before a request are skipped.
    while (unread().size() > 1 && unread()[0] == '\r' && unread()[1] == '\n') input_begin_ += 2;
    const bool may_be_empty_line = unread().size() == 1 && unread()[0] == '\r';
    if (!unread().empty() && !may_be_empty_line) {
      auto parsed = ParseRequestHead(unread());
      const size_t size_bytes = parsed && *parsed ? (*parsed)->head_size_bytes : unread().size();
      if (size_bytes > shard_.options->head_bytes_max || (!parsed && size_bytes >= kHeadBytesMax)) {
        std::string message =
            fmt::format("the request's header is over {} bytes", shard_.options->head_bytes_max);
        co_await RefuseHead(431, std::move(message));
        co_return std::nullopt;
      }
      if (!parsed) {
        std::string message = parsed.error().message();
        co_await RefuseHead(400, std::move(message));
        co_return std::nullopt;
      }
      if (parsed->has_value()) {
        input_begin_ += (*parsed)->head_size_bytes;
        co_return std::move(*parsed);
      }
    }
    const Status filled = co_await Fill();
    if (filled) continue;
    if (has_timed_out_) {
      std::string message = fmt::format("the request's header did not come within {} seconds",
                                        shard_.options->head_timeout.count());
      co_await RefuseHead(408, std::move(message));
    }
    co_return std::nullopt;
  }
}

Task<void> ServerConnection::RefuseHead(int status, std::string message) {
  const HttpBadHead bad{
      .status = status, .message = std::move(message), .remote_address = remote_address_};
  const HttpRefusal answer = shard_.handler->AnswerBadHead(bad);
  keep_alive_ = false;
  SetPhase(Phase::kSend);
  const auto head = Serialize(answer.head, answer.body.size(), false);
  const auto body = AsBytes(answer.body);
  const Status sent = co_await socket_.Write(head, body);
  if (sent) co_await LingerClose();
}

// True when the connection can take another request.
Task<bool> ServerConnection::ServeOne() {
  auto parsed = co_await ReadHead();
  if (!parsed) co_return false;
  shard_.request_count.fetch_add(1, std::memory_order_relaxed);
  keep_alive_ = parsed->keep_alive;
  was_http_1_0_ = parsed->is_http_1_0;
  is_head_request_ = parsed->head.method == "HEAD";
  StartBody(*parsed);
  HttpServerCall call(*this, std::move(parsed->head), parsed->framing);
  SetPhase(Phase::kHandler);
  co_await shard_.handler->Handle(call);
  SetPhase(Phase::kSend);
  if (is_reset_) co_return false;
  if (!call.has_responded() || call.is_unfinished_) {
    socket_.Shutdown();
    co_return false;
  }
  const bool body_is_read = co_await DrainBody(call);
  if (keep_alive_ && body_is_read) co_return true;
  co_await LingerClose();
  co_return false;
}

void ServerConnection::StartBody(const ParsedHead<HttpRequestHead>& parsed) {
  is_chunked_ = parsed.framing.is_chunked;
  body_left_bytes_ = parsed.framing.content_length.value_or(0);
  chunks_ = ChunkFraming();
  body_ticks_ = 0;
  body_began_bytes_ = socket_.moved_bytes();
  reset_share_.reset();
  bytes_before_reset_.reset();
  // Of an empty body, too: botocore asks for it, and takes a connection whose final answer comes
  // without the 100 for broken.
  awaits_continue_ =
      !was_http_1_0_ && EqualIgnoringCase(parsed.head.headers.Value("Expect"), "100-continue");
}

Task<Result<size_t>> ServerConnection::ReadRaw(std::span<std::byte> target) {
  if (const auto waiting = unread(); !waiting.empty()) {
    const size_t count = std::min(waiting.size(), target.size());
    std::memcpy(target.data(), waiting.data(), count);
    input_begin_ += count;
    co_return count;
  }
  if (receive_pace_.is_limited()) {
    target = target.first(co_await AwaitPace(receive_pace_, target.size()));
  }
  HR_CO_TRY_ASSIGN(const size_t count, co_await socket_.ReadSome(target));
  if (receive_pace_.is_limited()) receive_pace_.Spend(count);
  if (count == 0) co_return Fail(ErrorCode::kUnavailable, "the client closed the connection");
  co_return count;
}

Task<Result<size_t>> ServerConnection::ReadLengthBody(std::span<std::byte> target) {
  const size_t wanted = std::min<uint64_t>(target.size(), body_left_bytes_);
  HR_CO_TRY_ASSIGN(const size_t count, co_await ReadRaw(target.first(wanted)));
  body_left_bytes_ -= count;
  co_return count;
}

Task<Result<size_t>> ServerConnection::ReadChunkedBody(std::span<std::byte> target) {
  while (chunks_.data_left_bytes() == 0) {
    const auto waiting = unread();
    HR_CO_TRY_ASSIGN(const size_t taken, chunks_.Advance({waiting.data(), waiting.size()}));
    input_begin_ += taken;
    if (chunks_.is_done()) co_return size_t{0};
    if (chunks_.data_left_bytes() == 0) HR_CO_TRY(co_await Fill());
  }
  const size_t wanted = std::min<uint64_t>(target.size(), chunks_.data_left_bytes());
  HR_CO_TRY_ASSIGN(const size_t count, co_await ReadRaw(target.first(wanted)));
  chunks_.TakeData(count);
  co_return count;
}

Task<Result<size_t>> ServerConnection::ReadBody(std::span<std::byte> target) {
  if (std::exchange(awaits_continue_, false)) {
    SetPhase(Phase::kBody);
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    HR_CO_TRY(co_await socket_.Write(AsBytes(kContinue), {}));
    SetPhase(Phase::kHandler);
  }
  if (body_is_done()) co_return size_t{0};
  SetPhase(Phase::kBody);
  // Awaited one by one: g++ 12 destroys the result of a conditional with co_await twice.
  Result<size_t> count = size_t{0};
  if (is_chunked_) {
    count = co_await ReadChunkedBody(target);
  } else {
    count = co_await ReadLengthBody(target);
  }
  if (!count) keep_alive_ = false;
  SetPhase(Phase::kHandler);
  if (has_timed_out_) {
    keep_alive_ = false;
    co_return Fail(ErrorCode::kTimedOut,
                   "the request's body came too slowly; the connection is closed");
  }
  if (count && bytes_before_reset_) {
    if (BeforeReset(*count) < *count) co_return Reset();
    *bytes_before_reset_ -= *count;
  }
  co_return count;
}

// Reads what the handler left of the body. False: there is too much, or it broke.
Task<bool> ServerConnection::DrainBody(HttpServerCall& call) {
  if (body_is_done()) co_return true;
  // The client may send the body or not: nobody can tell where the next request starts.
  if (awaits_continue_ || !keep_alive_) co_return false;
  std::array<std::byte, 4096> dropped;
  uint64_t left = shard_.options->unread_body_bytes_max;
  while (!body_is_done()) {
    const auto count = co_await call.ReadBody(dropped);
    if (!count || *count > left) co_return false;
    left -= *count;
  }
  co_return true;
}

// Closing with unread input would reset the connection and may take the answer back from the peer:
// end our side first and read until the peer has closed.
Task<void> ServerConnection::LingerClose() {
  SetPhase(Phase::kLinger);
  socket_.ShutdownSend();
  std::array<std::byte, 4096> dropped;
  for (size_t i = 0; i < kLingerReads; ++i) {
    const auto count = co_await socket_.ReadSome(dropped);
    if (!count || *count == 0) break;
  }
  socket_.Shutdown();
}

std::span<const std::byte> ServerConnection::Serialize(const HttpResponseHead& head,
                                                       std::optional<uint64_t> content_length,
                                                       bool is_chunked) {
  if (shard_.is_stopping) keep_alive_ = false;
  output_.clear();
  const auto out = std::back_inserter(output_);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", head.status, ReasonPhrase(head.status));
  for (const auto& [name, value] : head.headers.fields()) {
    output_.append(name).append(": ").append(value).append("\r\n");
  }
  output_.append("Date: ").append(shard_.date).append("\r\n");
  if (is_chunked) {
    output_.append("Transfer-Encoding: chunked\r\n");
  } else if (content_length && !head.headers.Find("Content-Length")) {
    fmt::format_to(out, "Content-Length: {}\r\n", *content_length);
  }
  if (!keep_alive_) {
    output_.append("Connection: close\r\n");
  } else if (was_http_1_0_) {
    output_.append("Connection: keep-alive\r\n");
  }
  output_.append("\r\n");
  return AsBytes(output_);
}

}  // namespace headrace::net
