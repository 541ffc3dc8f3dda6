// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/md5_queue.h"

#include <algorithm>
#include <utility>

namespace headrace {

Md5Queue& Md5Queue::Shared() {
  static Md5Queue queue;
  return queue;
}

bool Md5Queue::RunBatch() {
  std::vector<Md5Piece*> pieces;
  Md5Batch batch;
  {
    const MutexLock lock(mutex_);
    const size_t count = std::min(waiting_.size(), kMd5LaneCount);
    pieces.assign(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
    for (Md5Piece* const piece : pieces) {
      piece->state_ = Md5Piece::State::kRunning;
      batch.Add(*piece->md5_, piece->bytes_);
    }
  }
  if (pieces.empty()) return false;
  batch.Run();
  std::vector<std::move_only_function<void()>> resumes;
  {
    const MutexLock lock(mutex_);
    for (Md5Piece* const piece : pieces) {
      piece->state_ = Md5Piece::State::kIdle;
      if (piece->resume_) resumes.push_back(std::exchange(piece->resume_, nullptr));
    }
    // Under the lock: a piece may end as soon as it is idle.
    ran_.NotifyAll();
  }
  for (auto& resume : resumes) resume();
  return true;
}

Md5Piece::~Md5Piece() {
  const MutexLock lock(queue_.mutex_);
  while (state_ == State::kRunning) queue_.ran_.Wait(queue_.mutex_);
  if (state_ == State::kWaiting) std::erase(queue_.waiting_, this);
}

void Md5Piece::Begin(StreamMd5& md5, std::span<const std::byte> bytes) {
  bool is_full = false;
  {
    const MutexLock lock(queue_.mutex_);
    md5_ = &md5;
    bytes_ = bytes;
    state_ = State::kWaiting;
    queue_.waiting_.push_back(this);
    is_full = queue_.waiting_.size() >= kMd5LaneCount;
  }
  if (is_full) queue_.RunBatch();
}

Task<void> Md5Piece::Settle() {
  {
    const MutexLock lock(queue_.mutex_);
    if (state_ == State::kIdle) co_return;
  }
  auto initiation = [this](auto handler) {
    const auto executor = asio::get_associated_executor(handler);
    auto resume = [executor, handler = std::move(handler)]() mutable {
      asio::post(executor, [handler = std::move(handler)]() mutable { std::move(handler)(); });
    };
    bool is_done = false;
    {
      const MutexLock lock(queue_.mutex_);
      is_done = state_ == State::kIdle;
      if (!is_done) resume_ = std::move(resume);
    }
    if (is_done) {
      resume();
      return;
    }
    // After the tasks that are ready by now have had their turn.
    asio::post(executor, [&queue = queue_] {
      while (queue.RunBatch()) {
      }
    });
  };
  auto token = asio::use_awaitable;
  co_await asio::async_initiate<decltype(token), void()>(std::move(initiation), token);
}

}  // namespace headrace
