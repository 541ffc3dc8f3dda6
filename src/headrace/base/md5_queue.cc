// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/md5_queue.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace headrace {
namespace {

// In a loop's first turn run the tasks that are ready, in the second those whose sockets became so.
constexpr int kQuietTurns = 2;
// Eight uploads that keep two cores busy bring a piece every two milliseconds each.
constexpr std::chrono::milliseconds kLately{8};
constexpr std::chrono::milliseconds kPatience{2};

}  // namespace

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
    if (!pieces.empty()) ++batch_count_;
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

void Md5Queue::RunAll() {
  while (RunBatch()) {
  }
}

// Whoever has begun a piece lately and is not waiting is about to begin the next one.
bool Md5Queue::MoreAreLikely() const {
  const SteadyTime since = RealClock().Now() - kLately;
  size_t coming = waiting_.size();
  for (const Md5Piece* const piece : members_) {
    if (coming >= kMd5LaneCount) break;
    const bool is_idle = piece->state_ == Md5Piece::State::kIdle && !piece->is_last_;
    if (is_idle && piece->begun_at_ > since) ++coming;
  }
  return coming > waiting_.size();
}

void Md5Queue::RunSoon(const Executor& executor, uint64_t begun_before, int quiet_turns) {
  asio::post(executor, [this, executor, begun_before, quiet_turns] {
    uint64_t begun = 0;
    uint64_t batch = 0;
    {
      const MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      begun = begun_count_;
      batch = batch_count_;
    }
    const int quiet = begun == begun_before ? quiet_turns + 1 : 0;
    if (quiet < kQuietTurns) return RunSoon(executor, begun, quiet);
    {
      const MutexLock lock(mutex_);
      if (batch == batch_count_ && MoreAreLikely()) {
        if (timed_batch_ == batch) return;
        timed_batch_ = batch;
      } else {
        batch = UINT64_MAX;
      }
    }
    if (batch == UINT64_MAX) return RunAll();
    RunInTime(executor, batch);
  });
}

void Md5Queue::RunInTime(const Executor& executor, uint64_t batch) {
  const auto timer = std::make_shared<asio::steady_timer>(executor, kPatience);
  timer->async_wait([this, timer, executor, batch](const boost::system::error_code& error) {
    if (error) return;
    bool was_run = false;
    {
      const MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      was_run = batch_count_ != batch;
    }
    // Others ran it; those who came since are still waiting for company.
    if (was_run) return RunSoon(executor, 0, 0);
    RunAll();
  });
}

Md5Piece::~Md5Piece() {
  const MutexLock lock(queue_.mutex_);
  while (state_ == State::kRunning) queue_.ran_.Wait(queue_.mutex_);
  if (state_ == State::kWaiting) std::erase(queue_.waiting_, this);
  std::erase(queue_.members_, this);
}

void Md5Piece::Begin(StreamMd5& md5, std::span<const std::byte> bytes, bool is_last) {
  bool is_full = false;
  const SteadyTime now = RealClock().Now();
  {
    const MutexLock lock(queue_.mutex_);
    if (md5_ == nullptr) queue_.members_.push_back(this);
    begun_at_ = now;
    is_last_ = is_last;
    md5_ = &md5;
    bytes_ = bytes;
    state_ = State::kWaiting;
    queue_.waiting_.push_back(this);
    ++queue_.begun_count_;
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
    queue_.RunSoon(executor, 0, 0);
  };
  auto token = asio::use_awaitable;
  co_await asio::async_initiate<decltype(token), void()>(std::move(initiation), token);
}

}  // namespace headrace
