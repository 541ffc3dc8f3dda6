// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/body_receiver.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/encoding.h"
#include "headrace/base/md5_queue.h"

namespace headrace::directory {
namespace {

// Large enough that system calls do not matter, small enough to stay in the second-level cache
// between the socket, the digest and the file.
constexpr uint64_t kReceiveBytes = 256 * 1024;

}  // namespace

Task<Result<ReceivedBytes>> ReceiveBody(TemporaryFolder& folder, ByteSource& body,
                                        const SumWish& wish, const CallContext& context) {
  HR_CO_TRY_ASSIGN(TemporaryFile file, TemporaryFile::Make(folder));
  ReceivedBytes received{.file = std::move(file)};
  const auto announced = body.size_bytes();
  Buffer buffer(std::clamp<uint64_t>(announced.value_or(kReceiveBytes), 1, kReceiveBytes));
  StreamMd5 md5;
  std::optional<RunningChecksum> running;
  const auto& expected = wish.expected;
  if (expected) {
    running.emplace(expected->algorithm);
  } else if (wish.otherwise && !body.verified_algorithm()) {
    running.emplace(*wish.otherwise);
  }
  while (true) {
    if (context.stop.stop_requested()) co_return Fail(ErrorCode::kCancelled, "put was cancelled");
    HR_CO_TRY_ASSIGN(const size_t count, co_await body.Read(buffer.span()));
    if (count == 0) break;
    const auto bytes = buffer.span().first(count);
    co_await Md5Queue::OfThisLoop().Update(md5, bytes);
    if (running) running->Update(bytes);
    HR_CO_TRY(WriteAll(received.file.file(), bytes));
    received.size_bytes += count;
  }
  if (announced && *announced != received.size_bytes) {
    co_return FailAs(
        ErrorCode::kCorrupt,
        fmt::format("the body ended after {} of {} bytes", received.size_bytes, *announced),
        "IncompleteBody");
  }
  received.etag = HexEncode(md5.Finish());
  received.checksum = running ? running->Finish() : body.verified_checksum();
  if (expected && received.checksum->value != expected->value) {
    co_return FailAs(
        ErrorCode::kCorrupt,
        fmt::format("the body's {} is not the one announced", ChecksumName(expected->algorithm)),
        "BadDigest");
  }
  co_return received;
}

}  // namespace headrace::directory
