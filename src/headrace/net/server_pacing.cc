// SPDX-License-Identifier: Apache-2.0
// How a connection is made to look like a slower or a broken one.
#include <algorithm>

#include "headrace/net/server_connection.h"

namespace headrace::net {

Task<size_t> ServerConnection::AwaitPace(Pace& pace, size_t wanted) {
  while (true) {
    const size_t count = pace.Allow(wanted, RealClock().Now());
    if (count > 0) co_return count;
    co_await Sleep(pace.Delay());
  }
}

bool ServerConnection::BeginAnswer(uint64_t body_size_bytes) {
  if (!reset_share_) return true;
  // The request's body was to be cut and the handler did not read so far, or there is none at all.
  if (bytes_before_reset_ || body_size_bytes == 0) return false;
  bytes_before_reset_ = static_cast<uint64_t>(*reset_share_ * static_cast<double>(body_size_bytes));
  return true;
}

size_t ServerConnection::BeforeReset(size_t wanted) {
  return bytes_before_reset_ ? std::min<uint64_t>(wanted, *bytes_before_reset_) : wanted;
}

std::unexpected<Error> ServerConnection::Reset() {
  is_reset_ = true;
  keep_alive_ = false;
  return Fail(ErrorCode::kUnavailable, "the connection is reset, as was asked for");
}

Task<Status> ServerConnection::Send(std::span<const std::byte> head,
                                    std::span<const std::byte> body, bool more) {
  if (!send_pace_.is_limited() && !bytes_before_reset_) {
    co_return co_await socket_.Write(head, body, more);
  }
  while (!body.empty()) {
    size_t count = BeforeReset(body.size());
    if (count > 0) count = co_await AwaitPace(send_pace_, count);
    const bool is_last = count == body.size();
    HR_CO_TRY(co_await socket_.Write(head, body.first(count), is_last && more));
    if (count == 0) co_return Reset();
    send_pace_.Spend(count);
    if (bytes_before_reset_) *bytes_before_reset_ -= count;
    head = {};
    body = body.subspan(count);
  }
  if (!head.empty()) HR_CO_TRY(co_await socket_.Write(head, {}, more));
  co_return Ok();
}

Task<Status> ServerConnection::SendFile(int file, uint64_t offset, uint64_t size_bytes) {
  if (!send_pace_.is_limited() && !bytes_before_reset_) {
    co_return co_await socket_.SendFile(file, offset, size_bytes);
  }
  while (size_bytes > 0) {
    size_t count = BeforeReset(size_bytes);
    if (count == 0) co_return Reset();
    count = co_await AwaitPace(send_pace_, count);
    HR_CO_TRY(co_await socket_.SendFile(file, offset, count));
    send_pace_.Spend(count);
    if (bytes_before_reset_) *bytes_before_reset_ -= count;
    offset += count;
    size_bytes -= count;
  }
  co_return Ok();
}

}  // namespace headrace::net
