// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/object_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/mutex.h"
#include "headrace/fetch/await_event.h"
#include "headrace/fetch/object_blocks.h"
#include "headrace/fetch/read_ahead.h"

namespace headrace::fetch {
namespace {

// As many ranges as a shuffled batch may name.
constexpr size_t kHintCountMax = 1024;
// At the rates of one connection (50 to 90 MB/s) and the latency (30 ms) of S3, a gap this long
// takes as long as another request.
constexpr uint64_t kCheapGapBytes = 1536ULL << 10U;

}  // namespace

uint64_t ReadBytes::size_bytes() const {
  uint64_t size_bytes = 0;
  for (const Piece& piece : pieces_) size_bytes += piece.bytes.size();
  return size_bytes;
}

void ReadBytes::CopyTo(std::span<std::byte> target) const {
  HR_CHECK(target.size() >= size_bytes());
  size_t at = 0;
  for (const Piece& piece : pieces_) {
    std::memcpy(target.data() + at, piece.bytes.data(), piece.bytes.size());
    at += piece.bytes.size();
  }
}

// What a handle keeps between its reads.
// Threads: all methods may be called at once from any thread or loop.
class HandleState final : public MemoryKeeper, public std::enable_shared_from_this<HandleState> {
 public:
  HandleState(std::shared_ptr<ObjectBlocks> blocks, uint64_t part_size_bytes)
      : blocks_(std::move(blocks)),
        part_size_bytes_(part_size_bytes),
        ahead_({.piece_bytes_max = part_size_bytes}, blocks_->object().size_bytes) {}

  const ObjectVersion& object() const { return blocks_->object(); }
  ObjectBlocks& blocks() { return *blocks_; }

  Task<Result<ReadBytes>> Read(ByteRange range, CallContext context);
  void WillRead(std::span<const ByteRange> ranges) HR_EXCLUDES(mutex_);
  void LetGo() override HR_EXCLUDES(mutex_) { GiveBack(Which::kEnded); }
  void Close() HR_EXCLUDES(mutex_) { GiveBack(Which::kAll); }

 private:
  using Blocks = std::vector<std::shared_ptr<Block>>;
  // Ranges that come together.
  struct Hint {
    std::vector<ByteRange> unread;
    Blocks blocks;
  };
  enum class Which : uint8_t { kEnded, kAll };
  void GiveBack(Which which) HR_EXCLUDES(mutex_);
  ByteRange Within(ByteRange range) const;
  // Puts a read's bytes, and what shall be read ahead of it, on their way.
  Blocks Begin(ByteRange range) HR_EXCLUDES(mutex_);
  // Waits for the blocks and takes the range's bytes out of them.
  Task<Result<ReadBytes>> Collect(const Blocks& wanted, ByteRange range,
                                  const CallContext& context) const;
  // What ended a wait before what was waited for.
  Error EndedBy(const CallContext& context) const;
  Task<Result<ReadBytes>> ReadInTurn(ByteRange range, const CallContext& context)
      HR_EXCLUDES(mutex_);
  // Moves what is no longer kept to `given_back`.
  void Trim(const ReadAhead::Wish& wish, Blocks& given_back) HR_REQUIRES(mutex_);
  void TrimHints(ByteRange read, Blocks& given_back) HR_REQUIRES(mutex_);

  const std::shared_ptr<ObjectBlocks> blocks_;
  const uint64_t part_size_bytes_;
  Mutex mutex_;
  ReadAhead ahead_ HR_GUARDED_BY(mutex_);
  Blocks kept_ HR_GUARDED_BY(mutex_);  // Read ahead, or read a moment ago.
  std::vector<Hint> hints_ HR_GUARDED_BY(mutex_);
};

void HandleState::GiveBack(Which which) {
  Blocks given_back;
  {
    const MutexLock lock(mutex_);
    const auto take = [&](Blocks& blocks) {
      const auto taken = std::partition(blocks.begin(), blocks.end(), [&](const auto& block) {
        return which == Which::kEnded && !blocks_->HasEnded(*block);
      });
      std::move(taken, blocks.end(), std::back_inserter(given_back));
      blocks.erase(taken, blocks.end());
    };
    take(kept_);
    for (Hint& hint : hints_) take(hint.blocks);
    std::erase_if(hints_, [](const Hint& hint) { return hint.blocks.empty(); });
  }
  blocks_->Release(given_back);
}

ByteRange HandleState::Within(ByteRange range) const {
  const uint64_t size_bytes = object().size_bytes;
  return {.begin = std::min(range.begin, size_bytes), .end = std::min(range.end, size_bytes)};
}

void HandleState::Trim(const ReadAhead::Wish& wish, Blocks& given_back) {
  const auto outside = std::partition(kept_.begin(), kept_.end(), [&](const auto& block) {
    return block->range.end > wish.kept_from && block->range.begin < wish.until;
  });
  std::move(outside, kept_.end(), std::back_inserter(given_back));
  kept_.erase(outside, kept_.end());
}

void HandleState::TrimHints(ByteRange read, Blocks& given_back) {
  std::erase_if(hints_, [&](Hint& hint) {
    std::erase_if(hint.unread, [&](const ByteRange& range) {
      return read.begin < range.end && read.end >= range.end;
    });
    if (hint.unread.empty()) std::ranges::move(hint.blocks, std::back_inserter(given_back));
    return hint.unread.empty();
  });
}

HandleState::Blocks HandleState::Begin(ByteRange range) {
  const auto in_parts = [this](ByteRange missing) {
    return CutAhead(missing, part_size_bytes_, part_size_bytes_);
  };
  ReadAhead::Wish wish;
  {
    const MutexLock lock(mutex_);
    wish = ahead_.OnRead(range);
  }
  // A small object comes whole, in one request that somebody waits for.
  const bool is_small = range.begin == 0 && wish.until == object().size_bytes &&
                        wish.until <= part_size_bytes_ && wish.is_in_order;
  const ByteRange needed = is_small ? ByteRange{.begin = 0, .end = wish.until} : range;
  Blocks wanted = blocks_->Want(needed, ObjectBlocks::Need::kNow, in_parts);
  Blocks given_back;
  Blocks ahead;
  if (wish.is_in_order && wish.until > needed.begin) {
    ahead = blocks_->Want(
        {.begin = needed.begin, .end = wish.until}, ObjectBlocks::Need::kAhead,
        [&](ByteRange missing) { return CutAhead(missing, wish.piece_bytes, part_size_bytes_); });
  }
  {
    const MutexLock lock(mutex_);
    // What is wanted again is held once.
    for (auto& block : ahead) {
      const bool is_kept = std::ranges::find(kept_, block) != kept_.end();
      (is_kept ? given_back : kept_).push_back(std::move(block));
    }
    Trim(wish, given_back);
    TrimHints(range, given_back);
  }
  blocks_->Release(given_back);
  return wanted;
}

Error HandleState::EndedBy(const CallContext& context) const {
  const std::string name = fmt::format("s3://{}/{}", object().bucket, object().key);
  if (context.stop.stop_requested())
    return Error(ErrorCode::kCancelled, name + ": reading cancelled");
  return Error(ErrorCode::kTimedOut, name + ": its bytes did not come in time");
}

Task<Result<ReadBytes>> HandleState::Collect(const Blocks& wanted, ByteRange range,
                                             const CallContext& context) const {
  ReadBytes bytes;
  for (const auto& block : wanted) {
    const bool has_ended = co_await AwaitEvent(block->ended, context);
    if (!has_ended) co_return std::unexpected(EndedBy(context));
    HR_CO_TRY(block->outcome);
    const uint64_t begin = std::max(range.begin, block->range.begin);
    const uint64_t end = std::min(range.end, block->range.end);
    if (begin >= end) continue;
    bytes.Add({.owner = block->bytes,
               .bytes = block->bytes->span().subspan(begin - block->range.begin, end - begin)});
  }
  co_return bytes;
}

Task<Result<ReadBytes>> HandleState::ReadInTurn(ByteRange range, const CallContext& context) {
  const Blocks wanted = Begin(range);
  Result<ReadBytes> read = co_await Collect(wanted, range, context);
  blocks_->Release(wanted);
  co_return read;
}

Task<Result<ReadBytes>> HandleState::Read(ByteRange range, CallContext context) {
  range = Within(range);
  if (range.begin >= range.end) co_return ReadBytes();
  ReadTurns& turns = blocks_->turns();
  const uint64_t size_bytes = range.size_bytes();
  if (size_bytes > turns.size_bytes_max()) {
    co_return Fail(ErrorCode::kResourceExhausted,
                   fmt::format("s3://{}/{}: {} bytes in one read are more than a quarter of the "
                               "memory budget; read at most {}",
                               object().bucket, object().key, size_bytes, turns.size_bytes_max()));
  }
  if (blocks_->IsOneBlock(range, part_size_bytes_)) co_return co_await ReadInTurn(range, context);
  const bool has_turn = co_await turns.Take(size_bytes, context);
  if (!has_turn) co_return std::unexpected(EndedBy(context));
  Result<ReadBytes> read = co_await ReadInTurn(range, context);
  turns.Give(size_bytes);
  co_return read;
}

void HandleState::WillRead(std::span<const ByteRange> ranges) {
  std::vector<ByteRange> within;
  for (const ByteRange& range : ranges) {
    const ByteRange inside = Within(range);
    if (inside.begin < inside.end) within.push_back(inside);
  }
  if (within.size() > kHintCountMax) within.resize(kHintCountMax);
  for (const HintedRanges& group : JoinHints(within, kCheapGapBytes, part_size_bytes_)) {
    Blocks blocks =
        blocks_->Want(group.joined, ObjectBlocks::Need::kAhead, [this](ByteRange missing) {
          return CutAhead(missing, part_size_bytes_, part_size_bytes_);
        });
    const MutexLock lock(mutex_);
    hints_.push_back({.unread = group.ranges, .blocks = std::move(blocks)});
  }
  Blocks given_back;
  {
    const MutexLock lock(mutex_);
    size_t count = 0;
    for (const Hint& hint : hints_) count += hint.unread.size();
    auto kept = hints_.begin();
    for (; count > kHintCountMax; ++kept) {
      count -= kept->unread.size();
      std::ranges::move(kept->blocks, std::back_inserter(given_back));
    }
    hints_.erase(hints_.begin(), kept);
  }
  blocks_->Release(given_back);
}

ObjectReader::ObjectReader(std::shared_ptr<ObjectBlocks> blocks, uint64_t part_size_bytes)
    : state_(std::make_shared<HandleState>(std::move(blocks), part_size_bytes)) {
  state_->blocks().scheduler().memory()->AddKeeper(state_);
}

ObjectReader::~ObjectReader() {
  state_->Close();
  state_->blocks().RemoveHandle();
}

const ObjectVersion& ObjectReader::object() const { return state_->object(); }

Task<Result<ReadBytes>> ObjectReader::Read(ByteRange range, CallContext context) {
  const std::shared_ptr<HandleState> state = state_;
  co_return co_await state->Read(range, std::move(context));
}

Result<ReadBytes> ObjectReader::ReadBlocking(ByteRange range, const CallContext& context) {
  return RunBlocking(state_->blocks().scheduler().AnyLoop(), state_->Read(range, context));
}

void ObjectReader::WillRead(std::span<const ByteRange> ranges) { state_->WillRead(ranges); }

}  // namespace headrace::fetch
