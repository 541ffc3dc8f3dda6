// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/body_receiver.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/encoding.h"
#include "headrace/base/md5_queue.h"
#include "headrace/base/random.h"
#include "headrace/store/fail_as.h"

namespace headrace::directory {
namespace {

// Large enough that system calls do not matter, small enough that what several uploads receive and
// sum stays in the second-level cache.
constexpr size_t kPieceBytes = 256 * 1024;
// A body this short is summed alone: waiting for company costs more than it saves.
constexpr size_t kAloneBytesMax = 16 * 1024;

// Of what stands in an MD5's place: as many.
constexpr size_t kEtagBytes = 16;

// Where a body is on its way from the socket through its sums into a file. One buffer fills while
// the other's bytes are summed.
struct Reception {
  Reception(TemporaryFile file_in, std::optional<uint64_t> announced)
      : received{.file = std::move(file_in)},
        // One more than announced, so that a short body's end shows in its one buffer.
        piece_bytes(std::min<uint64_t>(announced.value_or(kPieceBytes), kPieceBytes - 1) + 1) {}

  ReceivedBytes received;
  const size_t piece_bytes;
  std::array<Buffer, 2> buffers;
  bool has_md5 = true;
  StreamMd5 md5;
  std::optional<RunningChecksum> running;
  Md5Piece piece{Md5Queue::Shared()};  // Ends first: it borrows from the others.
};

// Less than the target only at the body's end.
Task<Result<size_t>> Fill(ByteSource& body, std::span<std::byte> target) {
  size_t filled = 0;
  while (filled < target.size()) {
    HR_CO_TRY_ASSIGN(const size_t count, co_await body.Read(target.subspan(filled)));
    if (count == 0) break;
    filled += count;
  }
  co_return filled;
}

Task<Status> ReceiveAll(Reception& reception, ByteSource& body, const CallContext& context) {
  // The second buffer is for while the first is being summed.
  for (size_t turn = 0;; turn = reception.has_md5 ? 1 - turn : 0) {
    HR_CO_TRY(StillWanted(context));
    Buffer& buffer = reception.buffers[turn];
    if (buffer.size() == 0) buffer = Buffer(reception.piece_bytes);
    HR_CO_TRY_ASSIGN(const size_t count, co_await Fill(body, buffer.span()));
    const auto bytes = std::as_const(buffer).span().first(count);
    if (reception.running) reception.running->Update(bytes);
    HR_CO_TRY(WriteAll(reception.received.file.file(), bytes));
    reception.received.size_bytes += count;
    const bool is_last = count < buffer.size();
    if (reception.has_md5) {
      co_await reception.piece.Settle();
      if (is_last && count <= kAloneBytesMax) {
        reception.md5.Update(bytes);
      } else {
        reception.piece.Begin(reception.md5, bytes, is_last);
      }
    }
    if (is_last) break;
  }
  co_await reception.piece.Settle();
  co_return Ok();
}

}  // namespace

Task<Result<ReceivedBytes>> ReceiveBody(TemporaryFile file, ByteSource& body, const SumWish& wish,
                                        const CallContext& context) {
  const auto announced = body.size_bytes();
  Reception reception(std::move(file), announced);
  reception.has_md5 = wish.etags == Etags::kMd5;
  const auto& expected = wish.expected;
  if (expected) {
    reception.running.emplace(expected->algorithm);
  } else if (wish.otherwise && !body.verified_algorithm()) {
    reception.running.emplace(*wish.otherwise);
  }
  HR_CO_TRY(co_await ReceiveAll(reception, body, context));
  ReceivedBytes received = std::move(reception.received);
  if (announced && *announced != received.size_bytes) {
    co_return FailAs(
        ErrorCode::kCorrupt,
        fmt::format("the body ended after {} of {} bytes", received.size_bytes, *announced),
        "IncompleteBody");
  }
  received.etag =
      reception.has_md5 ? HexEncode(reception.md5.Finish()) : RandomHex(kEtagBytes) + "-1";
  received.checksum = reception.running ? reception.running->Finish() : body.verified_checksum();
  if (expected && received.checksum->value != expected->value) {
    co_return FailAs(
        ErrorCode::kCorrupt,
        fmt::format("the body's {} is not the one announced", ChecksumName(expected->algorithm)),
        "BadDigest");
  }
  co_return received;
}

}  // namespace headrace::directory
