// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/base/byte_target.h"

namespace headrace::net {

// What a connection has received and nobody has read yet: answers' heads in a buffer of its own,
// and the bytes behind a head, where possible, right in the place their reader wants them (the
// landing).
//
// A server's heads nearly always have one length. So the first receive of an answer puts as many
// bytes as the last head had into the buffer and the rest into the landing: head and body take one
// system call and no copy. Where the guess was wrong the bytes are moved, and the next answers of
// this connection are received without a landing.
//
// Pure: no I/O. Threads: one at a time.
class ReceiveBuffer {
 public:
  // The places of one receive, the first to be filled first.
  using Room = std::array<std::span<std::byte>, 2>;

  // An answer is about to come. `landing`, which may be empty, is where its body will be read to;
  // borrowed until EndAnswer.
  void BeginAnswer(ByteTarget landing);
  // Nobody reads on: lets go of the landing. What is left unread can still be told by has_unread.
  void EndAnswer();

  // Whether the next receive will have room in the landing; NextRoom then finds its memory.
  bool is_about_to_land() const;
  // Where the next bytes of a head go: at least one byte. Once the head has ended, bodies are
  // received elsewhere.
  Room NextRoom();
  void Commit(size_t received_bytes);
  // What may be a head; after EndHead, the rest that did not land.
  std::span<const char> buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  // Bytes that are in the landing belong behind buffered(): takes some of them there. False: there
  // are none.
  bool PullBack();
  // Removes bytes from the front of buffered().
  void Consume(size_t size_bytes);
  // The head, of so many bytes in all, has been consumed; its body follows. `lands`: as plain
  // bytes; otherwise all that is here goes to buffered(), to be taken apart.
  void EndHead(size_t head_bytes, bool lands);

  // After EndHead: the next bytes of the body, copied unless they lie in `target` already.
  size_t Read(std::span<std::byte> target);
  bool has_unread() const { return begin_ != end_ || landed_begin_ != landed_end_; }

 private:
  void Settle(bool lands);
  void AppendLanded(size_t count);
  void MoveUp(size_t early);

  std::vector<char> buffer_;
  size_t buffer_room_bytes_ = 0;  // Of the last NextRoom.
  size_t begin_ = 0;
  size_t end_ = 0;
  ByteTarget landing_target_;
  std::span<std::byte> landing_;  // Found when the first room in it was given.
  size_t landed_begin_ = 0;
  size_t landed_end_ = 0;
  size_t expected_head_bytes_ = 0;  // 0: no answer has come yet.
  // Answers of a pause after a wrong guess.
  static constexpr uint32_t kPauseAfterMissMin = 16;
  uint32_t answers_without_landing_ = 0;
  uint32_t next_pause_ = kPauseAfterMissMin;
  uint32_t hits_in_row_ = 0;
};

}  // namespace headrace::net
