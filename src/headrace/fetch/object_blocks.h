// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "headrace/base/wait.h"
#include "headrace/fetch/read_turns.h"
#include "headrace/fetch/scheduler.h"

namespace headrace::fetch {

// A piece of an open object, on its way or here. Whoever wants it holds it.
struct Block {
  explicit Block(ByteRange range_in) : range(range_in) {}
  const ByteRange range;
  OneShotEvent ended;
  // Set before `ended` fires, and then never changed.
  Status outcome = Ok();
  std::shared_ptr<const PartBytes> bytes;

  // Guarded by the lock of the ObjectBlocks.
  size_t wanted_count = 0;
  std::shared_ptr<ReadState> read;  // Null once it has ended.
};

// The blocks of one version of an object, shared by everybody who has it open: equal reads cost one
// request. Blocks never overlap. Threads: all methods may be called at once from any thread.
class ObjectBlocks final : public Consumer, public std::enable_shared_from_this<ObjectBlocks> {
 public:
  // What is read ahead is paid for by `ahead`, an account shared by all open objects, and what
  // somebody waits for by `demand`: it always moves on.
  struct Accounts {
    std::shared_ptr<MemoryAccount> demand;
    std::shared_ptr<MemoryAccount> ahead;
  };
  // `turns` are those of all open objects that share the memory.
  ObjectBlocks(ObjectVersion object, std::shared_ptr<Scheduler> scheduler, Accounts accounts,
               std::shared_ptr<ReadTurns> turns, std::stop_source stop = {});

  // One handle more; false: the last one is gone, and this is closed for good.
  bool TryAddHandle() HR_EXCLUDES(mutex_);
  // One handle less. The last one ends what is on its way.
  void RemoveHandle() HR_EXCLUDES(mutex_);

  const ObjectVersion& object() const { return object_; }
  Scheduler& scheduler() { return *scheduler_; }
  ReadTurns& turns() { return *turns_; }

  // The blocks that together hold the range, in order; what is missing is requested, cut by `cut`.
  // Each is wanted once more by the caller, who gives it back to Release.
  using Cut = std::function<std::vector<ByteRange>(ByteRange missing)>;
  enum class Need : uint8_t { kNow, kAhead };
  std::vector<std::shared_ptr<Block>> Want(ByteRange range, Need need, const Cut& cut)
      HR_EXCLUDES(mutex_);
  // Whether one block would hold the range: such a read waits for memory once, holding none.
  bool IsOneBlock(ByteRange range, uint64_t part_size_bytes) HR_EXCLUDES(mutex_);
  // What nobody wants any more is forgotten; what is on its way is ended, or never begun.
  void Release(std::span<const std::shared_ptr<Block>> blocks) HR_EXCLUDES(mutex_);

  bool HasEnded(const Block& block) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return block.read == nullptr;
  }

  void OnPart(const ReadState& read, uint64_t offset, PartBytes bytes) override HR_EXCLUDES(mutex_);
  void OnReadEnd(const ReadState& read, Status status) override HR_EXCLUDES(mutex_);

 private:
  std::shared_ptr<Block> MakeBlock(ByteRange range, Need need) HR_REQUIRES(mutex_);

  // One caller less wants it. The read that has become pointless, if one has.
  std::shared_ptr<ReadState> Forget(Block& block) HR_REQUIRES(mutex_);

  const ObjectVersion object_;
  const std::shared_ptr<Scheduler> scheduler_;
  const Accounts accounts_;
  const std::shared_ptr<ReadTurns> turns_;
  std::stop_source stop_;
  Mutex mutex_;
  std::string etag_ HR_GUARDED_BY(mutex_);  // Pinned; empty until the first block has come.
  // By their begin. A block leaves when nobody wants it or when it has failed.
  std::map<uint64_t, std::shared_ptr<Block>> blocks_ HR_GUARDED_BY(mutex_);
  // On their way, by the number of their read.
  std::map<size_t, std::shared_ptr<Block>> coming_ HR_GUARDED_BY(mutex_);
  size_t next_number_ HR_GUARDED_BY(mutex_) = 0;
  size_t handle_count_ HR_GUARDED_BY(mutex_) = 0;
  bool is_closed_ HR_GUARDED_BY(mutex_) = false;
};

// The objects that are open, so that each is open once. Threads: all methods may be called at once
// from any thread.
class OpenObjects {
 public:
  using Make = std::function<std::shared_ptr<ObjectBlocks>(ObjectVersion)>;
  // The open object, or what `make` makes of it, with a handle more. One without an ETag is never
  // shared.
  std::shared_ptr<ObjectBlocks> Find(ObjectVersion object, const Make& make) HR_EXCLUDES(mutex_);

 private:
  using Name = std::tuple<std::string, std::string, std::string>;  // Bucket, key, ETag.
  Mutex mutex_;
  std::map<Name, std::weak_ptr<ObjectBlocks>> open_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::fetch
