// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/object_blocks.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace headrace::fetch {

ObjectBlocks::ObjectBlocks(ObjectVersion object, std::shared_ptr<Scheduler> scheduler,
                           Accounts accounts, std::shared_ptr<ReadTurns> turns,
                           std::stop_source stop)
    : Consumer({.deadline = {}, .stop = stop.get_token()}),
      object_(std::move(object)),
      scheduler_(std::move(scheduler)),
      accounts_(std::move(accounts)),
      turns_(std::move(turns)),
      stop_(std::move(stop)),
      etag_(object_.etag) {}

bool ObjectBlocks::TryAddHandle() {
  const MutexLock lock(mutex_);
  if (!is_closed_) ++handle_count_;
  return !is_closed_;
}

void ObjectBlocks::RemoveHandle() {
  {
    const MutexLock lock(mutex_);
    if (--handle_count_ > 0) return;
    is_closed_ = true;
  }
  stop_.request_stop();
  scheduler_->Drop(*this, Error(ErrorCode::kCancelled, "closed before it was read"));
}

std::shared_ptr<Block> ObjectBlocks::MakeBlock(ByteRange range, Need need) {
  auto block = std::make_shared<Block>(range);
  PlannedRead planned{.bucket = object_.bucket,
                      .key = object_.key,
                      .object_size_bytes = object_.size_bytes,
                      .etag = etag_,
                      .range = range};
  const size_t number = next_number_++;
  block->read = std::make_shared<ReadState>(std::move(planned), number, shared_from_this(),
                                            need == Need::kNow ? accounts_.demand : accounts_.ahead,
                                            std::stop_source());
  blocks_[range.begin] = block;
  coming_[number] = block;
  return block;
}

std::vector<std::shared_ptr<Block>> ObjectBlocks::Want(ByteRange range, Need need, const Cut& cut) {
  std::vector<std::shared_ptr<Block>> found;
  std::vector<std::shared_ptr<ReadState>> begun;
  std::vector<std::shared_ptr<ReadState>> waited_for;
  {
    const MutexLock lock(mutex_);
    uint64_t at = range.begin;
    while (at < range.end) {
      const auto after = blocks_.upper_bound(at);
      const auto here = after == blocks_.begin() ? blocks_.end() : std::prev(after);
      if (here != blocks_.end() && here->second->range.end > at) {
        found.push_back(here->second);
        if (need == Need::kNow && here->second->read) waited_for.push_back(here->second->read);
        at = here->second->range.end;
        continue;
      }
      const uint64_t gap_end =
          after == blocks_.end() ? range.end : std::min(range.end, after->first);
      for (const ByteRange& piece : cut({.begin = at, .end = gap_end})) {
        found.push_back(MakeBlock(piece, need));
        begun.push_back(found.back()->read);
      }
      at = gap_end;
    }
    for (const auto& block : found) ++block->wanted_count;
  }
  // Back to front, so that the front stays first.
  for (auto& read : waited_for | std::views::reverse) scheduler_->Promote(read, accounts_.demand);
  if (need == Need::kNow) {
    for (auto& read : begun | std::views::reverse) {
      scheduler_->Add(std::move(read), Scheduler::Place::kInFront);
    }
  } else {
    for (auto& read : begun) scheduler_->Add(std::move(read));
  }
  return found;
}

bool ObjectBlocks::IsOneBlock(ByteRange range, uint64_t part_size_bytes) {
  const MutexLock lock(mutex_);
  const auto after = blocks_.lower_bound(range.end);
  if (after == blocks_.begin() || std::prev(after)->second->range.end <= range.begin) {
    return range.begin / part_size_bytes == (range.end - 1) / part_size_bytes;
  }
  const ByteRange last = std::prev(after)->second->range;
  return last.begin <= range.begin && last.end >= range.end;
}

void ObjectBlocks::Release(std::span<const std::shared_ptr<Block>> blocks) {
  std::vector<std::shared_ptr<ReadState>> pointless;
  {
    const MutexLock lock(mutex_);
    for (const auto& block : blocks) {
      if (auto read = Forget(*block)) pointless.push_back(std::move(read));
    }
  }
  if (pointless.empty()) return;
  for (const auto& read : pointless) {
    read->GiveUp(Error(ErrorCode::kCancelled, read->Name() + ": no longer wanted"));
  }
  scheduler_->DropFailed(*this);
}

std::shared_ptr<ReadState> ObjectBlocks::Forget(Block& block) {
  if (--block.wanted_count > 0) return nullptr;
  const auto found = blocks_.find(block.range.begin);
  if (found != blocks_.end() && found->second.get() == &block) blocks_.erase(found);
  return block.read;
}

void ObjectBlocks::OnPart(const ReadState& read, uint64_t /*offset*/, PartBytes bytes) {
  auto shared = std::make_shared<const PartBytes>(std::move(bytes));
  const MutexLock lock(mutex_);
  coming_.at(read.number)->bytes = std::move(shared);
}

void ObjectBlocks::OnReadEnd(const ReadState& read, Status status) {
  std::shared_ptr<Block> block;
  // Dropped under no lock: memory that comes back starts requests and asks handles to let go.
  std::shared_ptr<const PartBytes> unwanted;
  {
    const MutexLock lock(mutex_);
    block = std::move(coming_.extract(read.number).mapped());
    if (status) {
      const std::string etag = read.etag();
      if (etag_.empty()) etag_ = etag;
      if (etag_ != etag) {
        status = Fail(ErrorCode::kPreconditionFailed,
                      read.Name() + ": it was replaced while it was open; open it again");
      }
    }
    if (!status) {
      if (status.error().code() != ErrorCode::kCancelled) {
        scheduler_->metrics().counter(FetchMetric::kFailedReads).Add();
      }
      // The next read of these bytes asks for them again.
      const auto found = blocks_.find(block->range.begin);
      if (found != blocks_.end() && found->second == block) blocks_.erase(found);
      unwanted = std::move(block->bytes);
    }
    block->outcome = std::move(status);
    block->read.reset();
  }
  block->ended.Fire();
}

std::shared_ptr<ObjectBlocks> OpenObjects::Find(ObjectVersion object, const Make& make) {
  const MutexLock lock(mutex_);
  std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
  const Name name(object.bucket, object.key, object.etag);
  const auto found = open_.find(name);
  if (found != open_.end()) {
    auto blocks = found->second.lock();
    if (blocks && blocks->TryAddHandle()) return blocks;
  }
  const bool is_shared = !object.etag.empty();
  auto blocks = make(std::move(object));
  HR_CHECK(blocks->TryAddHandle());
  if (is_shared) open_[name] = blocks;
  return blocks;
}

}  // namespace headrace::fetch
