// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/receive_buffer.h"

#include <algorithm>
#include <cstring>

#include "headrace/base/error.h"
#include "headrace/net/head_parser.h"

namespace headrace::net {
namespace {

// The first read of an answer without a landing: larger than any S3 head, small enough that little
// of a body has to be copied from here to its place.
constexpr size_t kBufferBytes = 8 * 1024;
// Received into the landing at most: what may have to be moved when the guess was wrong.
constexpr size_t kLandingBytesMax = 128 * 1024;
// Answers received the plain way after a wrong guess: twice as many after each, until the guesses
// are right this often in a row. So a server whose heads vary costs a move now and then.
constexpr uint32_t kPauseMax = 1024;
constexpr uint32_t kHitsToForget = 16;

}  // namespace

void ReceiveBuffer::BeginAnswer(ByteTarget landing) {
  landed_begin_ = landed_end_ = 0;
  landing_ = {};
  landing_target_ = landing.First(std::min(landing.size(), kLandingBytesMax));
  if (answers_without_landing_ > 0) {
    --answers_without_landing_;
    landing_target_ = {};
  }
}

void ReceiveBuffer::EndAnswer() {
  landing_target_ = {};
  landing_ = {};
  if (buffer_.size() > kHeadBytesMax + kBufferBytes && begin_ == end_) buffer_ = {};
}

bool ReceiveBuffer::is_about_to_land() const {
  return !landing_target_.empty() && landed_end_ == 0 && end_ - begin_ < expected_head_bytes_;
}

ReceiveBuffer::Room ReceiveBuffer::NextRoom() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.empty() ? kBufferBytes : buffer_.size() * 2);
  Room room{std::as_writable_bytes(std::span(buffer_)).subspan(end_), {}};
  if (is_about_to_land()) {
    landing_ = landing_target_.Find();
    room = {room[0].first(expected_head_bytes_ - end_), landing_};
  }
  buffer_room_bytes_ = room[0].size();
  return room;
}

void ReceiveBuffer::Commit(size_t received_bytes) {
  const size_t buffered = std::min(received_bytes, buffer_room_bytes_);
  end_ += buffered;
  landed_end_ += received_bytes - buffered;
}

void ReceiveBuffer::AppendLanded(size_t count) {
  if (buffer_.size() - end_ < count) buffer_.resize(end_ + count);
  std::memcpy(buffer_.data() + end_, landing_.data() + landed_begin_, count);
  end_ += count;
  landed_begin_ += count;
}

bool ReceiveBuffer::PullBack() {
  const size_t landed = landed_end_ - landed_begin_;
  if (landed == 0) return false;
  AppendLanded(std::min(landed, kBufferBytes));
  return true;
}

void ReceiveBuffer::Consume(size_t size_bytes) {
  HR_CHECK(size_bytes <= end_ - begin_);
  begin_ += size_bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

// The `early` bytes in the buffer come before those in the landing. What the landing has no room
// for goes, from its end, to the buffer, which from now on is read after it.
void ReceiveBuffer::MoveUp(size_t early) {
  const size_t landed = landed_end_ - landed_begin_;
  const size_t kept = std::min(early + landed, landing_.size());
  const size_t too_many = early + landed - kept;
  const auto tail = landing_.subspan(landed_end_ - too_many, too_many);
  const std::vector<std::byte> rest(tail.begin(), tail.end());
  std::memmove(landing_.data() + early, landing_.data() + landed_begin_, kept - early);
  std::memcpy(landing_.data(), buffer_.data() + begin_, early);
  landed_begin_ = 0;
  landed_end_ = kept;
  begin_ = 0;
  end_ = too_many;
  if (too_many > 0) std::memcpy(buffer_.data(), rest.data(), too_many);
}

void ReceiveBuffer::EndHead(size_t head_bytes, bool lands) {
  expected_head_bytes_ = std::min(head_bytes, kBufferBytes);
  if (landed_end_ > 0) Settle(lands);
  // What is taken apart goes to the buffer alone from now on: its reader fills the landing itself.
  if (!lands) landing_ = {};
  landing_target_ = {};
}

// Puts what has landed where it belongs.
void ReceiveBuffer::Settle(bool lands) {
  const size_t early = end_ - begin_;
  if (lands && early == 0 && landed_begin_ == 0) {
    if (++hits_in_row_ >= kHitsToForget) next_pause_ = kPauseAfterMissMin;
    return;
  }
  hits_in_row_ = 0;
  answers_without_landing_ = next_pause_;
  next_pause_ = std::min(next_pause_ * 2, kPauseMax);
  const size_t landed = landed_end_ - landed_begin_;
  // So little that it is not worth its place, or nothing that has one.
  if (!lands || early + landed <= kBufferBytes || early > landing_.size()) {
    AppendLanded(landed);
  } else {
    MoveUp(early);
  }
}

size_t ReceiveBuffer::Read(std::span<std::byte> target) {
  const size_t landed = std::min(target.size(), landed_end_ - landed_begin_);
  if (landed > 0) {
    const std::byte* const from = landing_.data() + landed_begin_;
    if (from != target.data()) std::memmove(target.data(), from, landed);
    landed_begin_ += landed;
    return landed;
  }
  const size_t ready = std::min(target.size(), end_ - begin_);
  if (ready > 0) {
    std::memcpy(target.data(), buffer_.data() + begin_, ready);
    Consume(ready);
  }
  return ready;
}

}  // namespace headrace::net
