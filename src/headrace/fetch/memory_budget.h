// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "headrace/base/buffer.h"
#include "headrace/base/byte_target.h"
#include "headrace/base/mutex.h"
#include "headrace/fetch/buffer_pool.h"

namespace headrace::fetch {

class MemoryAccount;

// Bytes whose memory counts against a budget until this is dropped, on any thread. It counts from
// the start and is found when the first bytes come. Stays where it is while a request has its
// target.
class PartBytes final : public TargetMemory {
 public:
  PartBytes() = default;
  PartBytes(PartBytes&& other) noexcept = default;
  PartBytes& operator=(PartBytes&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(account_, other.account_);
    std::swap(whole_, other.whole_);
    std::swap(offset_, other.offset_);
    return *this;
  }
  ~PartBytes();
  // Some bytes of `whole`, all of whose memory counts until its last slice is dropped.
  static PartBytes SliceOf(std::shared_ptr<const PartBytes> whole, size_t offset,
                           size_t size_bytes);

  // Of memory that was found.
  std::span<const std::byte> span() const {
    if (whole_) return whole_->span().subspan(offset_, size_bytes_);
    HR_CHECK(size_bytes_ <= buffer_.size());
    return buffer_.span().first(size_bytes_);
  }
  // Where a request puts the bytes; not of a slice.
  ByteTarget target() { return {size_bytes_, *this}; }
  std::span<std::byte> Find() override;

 private:
  friend class MemoryBudget;
  PartBytes(size_t size_bytes, std::shared_ptr<MemoryAccount> account)
      : size_bytes_(size_bytes), account_(std::move(account)) {}

  Buffer buffer_;  // Empty: not found yet. May be larger than what was asked for.
  size_t size_bytes_ = 0;
  std::shared_ptr<MemoryAccount> account_;
  std::shared_ptr<const PartBytes> whole_;  // Of a slice, which has no buffer of its own.
  size_t offset_ = 0;
};

// Hears of memory that came back after somebody was refused. Called on the thread that gave it
// back, under no lock; must be quick.
class MemoryListener {
 public:
  virtual ~MemoryListener() = default;
  virtual void OnMemoryReturned() = 0;
};

// Holds memory that it could do without: bytes kept in case they are read.
class MemoryKeeper {
 public:
  virtual ~MemoryKeeper() = default;
  // Somebody waits for memory: lets go of what it can. Called under no lock, on any thread.
  virtual void LetGo() = 0;
};

// A quarter of the memory there is (base/machine_memory.h), at most 2 GiB.
uint64_t DefaultMemoryBytes(uint64_t machine_bytes);

// What a consumer asks for and what there is, as the decision sees it; in bytes.
struct MemoryAsked {
  uint64_t wanted = 0;
  uint64_t held = 0;      // By the consumer that asks.
  uint64_t held_max = 0;  // What the consumer itself may hold.
  uint64_t taken = 0;     // By all consumers.
  uint64_t limit = 0;
  uint64_t largest = 0;  // Of all that was ever asked for in one piece.
};
// One that holds nothing may take what is free, so that everybody moves on. One that holds
// something leaves room for four that hold nothing yet, and beyond that holds at most seven times
// what stays free: a consumer that lets go of nothing leaves an eighth to the others, the next one
// an eighth of that, and so on as long as there are pieces to leave. With less than sixteen pieces
// in all, a quarter is left to those that hold nothing, and one piece where that is less. More than
// the whole limit is given when nobody holds anything.
bool MayTake(const MemoryAsked& asked);

// The memory of everything that was asked for or delivered and not yet let go, over all consumers
// of a process: never above the limit, but for one buffer that is larger. Nor are the buffers that
// were found for it together with those that are kept to be used again. Threads: all methods may be
// called at once from any thread.
class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  static std::shared_ptr<MemoryBudget> Make(uint64_t limit_bytes) {
    return std::shared_ptr<MemoryBudget>(new MemoryBudget(limit_bytes));
  }

  // A consumer's account: it holds at most `held_bytes_max`. kSpare: it pays for what may be read,
  // not for what somebody waits for.
  enum class Use : uint8_t { kWaitedFor, kSpare };
  std::shared_ptr<MemoryAccount> OpenAccount(uint64_t held_bytes_max, Use use = Use::kWaitedFor);
  // Nothing: not now; the listeners hear when it is worth asking again. Never blocks.
  std::optional<PartBytes> TryTake(const std::shared_ptr<MemoryAccount>& account, size_t size_bytes)
      HR_EXCLUDES(mutex_);
  void AddListener(std::weak_ptr<MemoryListener> listener) HR_EXCLUDES(mutex_);
  void AddKeeper(std::weak_ptr<MemoryKeeper> keeper) HR_EXCLUDES(mutex_);
  // Asks every keeper to let go, for somebody who must not be refused.
  void Reclaim() HR_EXCLUDES(mutex_);

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t taken_bytes() const HR_EXCLUDES(mutex_);
  uint64_t taken_bytes_peak() const HR_EXCLUDES(mutex_);
  // Found for what is taken, or kept.
  uint64_t buffer_bytes() const HR_EXCLUDES(mutex_);

 private:
  friend class PartBytes;
  friend class MemoryAccount;
  explicit MemoryBudget(uint64_t limit_bytes);
  // Memory for what TryTake has granted.
  Buffer FindBuffer(size_t capacity_bytes) HR_EXCLUDES(mutex_);
  // `buffer` is empty where none was found.
  void Return(MemoryAccount& account, size_t capacity_bytes, Buffer buffer) HR_EXCLUDES(mutex_);

  const uint64_t limit_bytes_;
  mutable Mutex mutex_;
  uint64_t taken_bytes_ HR_GUARDED_BY(mutex_) = 0;
  uint64_t taken_bytes_peak_ HR_GUARDED_BY(mutex_) = 0;
  uint64_t found_bytes_ HR_GUARDED_BY(mutex_) = 0;  // Of the taken ones.
  uint64_t largest_bytes_ HR_GUARDED_BY(mutex_) = 0;
  bool was_refused_ HR_GUARDED_BY(mutex_) = false;
  BufferPool pool_ HR_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<MemoryListener>> listeners_ HR_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<MemoryKeeper>> keepers_ HR_GUARDED_BY(mutex_);
};

// One consumer's part of a budget; made by MemoryBudget::OpenAccount, kept alive by what it holds.
class MemoryAccount {
 public:
  MemoryAccount(std::shared_ptr<MemoryBudget> budget, uint64_t held_bytes_max,
                MemoryBudget::Use use)
      : budget_(std::move(budget)), held_bytes_max_(held_bytes_max), use_(use) {}

  uint64_t held_bytes() const;
  // Somebody waits for it, and it holds nothing whose end could help.
  bool MustMoveOn() const { return use_ == MemoryBudget::Use::kWaitedFor && held_bytes() == 0; }

 private:
  friend class MemoryBudget;
  friend class PartBytes;
  const std::shared_ptr<MemoryBudget> budget_;
  const uint64_t held_bytes_max_;
  const MemoryBudget::Use use_;
  uint64_t held_bytes_ = 0;  // Guarded by the budget's lock.
};

}  // namespace headrace::fetch
