// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/memory_budget.h"

#include <algorithm>

namespace headrace::fetch {
namespace {

// Kept for the next answers: of 100 large parts from far away, a quarter and more wait for their
// answers' begin at any time, and their buffers lie here.
constexpr size_t kKeptBytesMax = 256U << 20U;

// What those who hold something leave to those who do not.
uint64_t KeptForOthers(uint64_t limit, uint64_t largest) {
  // As many as stall at once in a job of a few channels.
  constexpr uint64_t kOthers = 4;
  const uint64_t kept_max = std::max(limit / 4, std::min(largest, limit / 2));
  return std::min(kOthers * largest, kept_max);
}

}  // namespace

PartBytes::~PartBytes() {
  if (!account_) return;
  account_->budget_->Return(*account_, CapacityFor(size_bytes_), std::move(buffer_));
}

std::span<std::byte> PartBytes::Find() {
  HR_CHECK(account_ != nullptr || size_bytes_ == 0);
  if (buffer_.size() == 0 && size_bytes_ > 0) {
    buffer_ = account_->budget_->FindBuffer(CapacityFor(size_bytes_));
  }
  return buffer_.span().first(size_bytes_);
}

PartBytes PartBytes::SliceOf(std::shared_ptr<const PartBytes> whole, size_t offset,
                             size_t size_bytes) {
  PartBytes slice;
  slice.whole_ = std::move(whole);
  slice.offset_ = offset;
  slice.size_bytes_ = size_bytes;
  return slice;
}

uint64_t DefaultMemoryBytes(uint64_t machine_bytes) {
  return std::min<uint64_t>(machine_bytes / 4, 2ULL << 30U);
}

bool MayTake(const MemoryAsked& asked) {
  if (asked.taken == 0) return true;
  const uint64_t free = asked.limit - std::min(asked.limit, asked.taken);
  if (asked.wanted > free) return false;
  if (asked.held == 0) return true;
  const uint64_t held_then = asked.held + asked.wanted;
  const uint64_t kept = KeptForOthers(asked.limit, asked.largest);
  return held_then <= asked.held_max && held_then / 7 + kept <= free - asked.wanted;
}

MemoryBudget::MemoryBudget(uint64_t limit_bytes)
    : limit_bytes_(limit_bytes), pool_(std::min<uint64_t>(limit_bytes, kKeptBytesMax)) {}

std::shared_ptr<MemoryAccount> MemoryBudget::OpenAccount(uint64_t held_bytes_max, Use use) {
  return std::make_shared<MemoryAccount>(shared_from_this(), held_bytes_max, use);
}

std::optional<PartBytes> MemoryBudget::TryTake(const std::shared_ptr<MemoryAccount>& account,
                                               size_t size_bytes) {
  const size_t capacity_bytes = CapacityFor(size_bytes);
  const MutexLock lock(mutex_);
  largest_bytes_ = std::max<uint64_t>(largest_bytes_, capacity_bytes);
  if (!MayTake({.wanted = capacity_bytes,
                .held = account->held_bytes_,
                .held_max = account->held_bytes_max_,
                .taken = taken_bytes_,
                .limit = limit_bytes_,
                .largest = largest_bytes_})) {
    was_refused_ = true;
    return std::nullopt;
  }
  taken_bytes_ += capacity_bytes;
  taken_bytes_peak_ = std::max(taken_bytes_peak_, taken_bytes_);
  account->held_bytes_ += capacity_bytes;
  return PartBytes(size_bytes, account);
}

Buffer MemoryBudget::FindBuffer(size_t capacity_bytes) {
  std::vector<Buffer> dropped;
  {
    const MutexLock lock(mutex_);
    found_bytes_ += capacity_bytes;
    Buffer kept = pool_.TakeKept(capacity_bytes);
    if (kept.size() > 0) return kept;
    if (found_bytes_ + pool_.kept_bytes() > limit_bytes_) {
      dropped = pool_.ShrinkTo(limit_bytes_ - std::min(limit_bytes_, found_bytes_));
    }
  }
  dropped.clear();
  return Buffer(capacity_bytes);
}

void MemoryBudget::AddListener(std::weak_ptr<MemoryListener> listener) {
  const MutexLock lock(mutex_);
  std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
  listeners_.push_back(std::move(listener));
}

void MemoryBudget::AddKeeper(std::weak_ptr<MemoryKeeper> keeper) {
  const MutexLock lock(mutex_);
  std::erase_if(keepers_, [](const auto& weak) { return weak.expired(); });
  keepers_.push_back(std::move(keeper));
}

void MemoryBudget::Reclaim() {
  std::vector<std::weak_ptr<MemoryKeeper>> keepers;
  {
    const MutexLock lock(mutex_);
    keepers = keepers_;
  }
  for (const auto& weak : keepers) {
    if (const auto keeper = weak.lock()) keeper->LetGo();
  }
}

void MemoryBudget::Return(MemoryAccount& account, size_t capacity_bytes, Buffer buffer) {
  Buffer unwanted;
  std::vector<std::weak_ptr<MemoryListener>> listeners;
  {
    const MutexLock lock(mutex_);
    taken_bytes_ -= capacity_bytes;
    account.held_bytes_ -= capacity_bytes;
    found_bytes_ -= buffer.size();
    if (buffer.size() > 0) unwanted = pool_.Return(std::move(buffer));
    if (std::exchange(was_refused_, false)) listeners = listeners_;
  }
  for (const auto& weak : listeners) {
    if (const auto listener = weak.lock()) listener->OnMemoryReturned();
  }
}

uint64_t MemoryBudget::taken_bytes() const {
  const MutexLock lock(mutex_);
  return taken_bytes_;
}

uint64_t MemoryBudget::taken_bytes_peak() const {
  const MutexLock lock(mutex_);
  return taken_bytes_peak_;
}

uint64_t MemoryBudget::buffer_bytes() const {
  const MutexLock lock(mutex_);
  return found_bytes_ + pool_.kept_bytes();
}

uint64_t MemoryAccount::held_bytes() const {
  const MutexLock lock(budget_->mutex_);
  return held_bytes_;
}

}  // namespace headrace::fetch
