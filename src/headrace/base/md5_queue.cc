// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/md5_queue.h"

#include <utility>

namespace headrace {
namespace {

// Below this, waiting for company costs more than it saves: 16 KiB alone take 25 microseconds.
constexpr size_t kAloneBytesMax = 16 * 1024;

}  // namespace

Md5Queue& Md5Queue::OfThisLoop() {
  thread_local Md5Queue queue;
  return queue;
}

Task<void> Md5Queue::Update(StreamMd5& md5, std::span<const std::byte> bytes) {
  if (bytes.size() <= kAloneBytesMax) {
    md5.Update(bytes);
    co_return;
  }
  auto initiation = [this, &md5, bytes](auto handler) {
    const auto executor = asio::get_associated_executor(handler);
    batch_.Add(md5, bytes);
    waiting_.push_back([executor, handler = std::move(handler)]() mutable {
      asio::post(executor, [handler = std::move(handler)]() mutable { std::move(handler)(); });
    });
    if (batch_.is_full()) {
      RunAll();
    } else if (waiting_.size() == 1) {
      // After the tasks that are ready by now have had their turn, and perhaps joined.
      asio::post(executor, [this] { RunAll(); });
    }
  };
  auto token = asio::use_awaitable;
  co_await asio::async_initiate<decltype(token), void()>(std::move(initiation), token);
}

// A batch that filled up early has run already when its turn comes: then whatever waits by now
// runs.
void Md5Queue::RunAll() {
  batch_.Run();
  for (auto& resume : std::exchange(waiting_, {})) resume();
}

}  // namespace headrace
