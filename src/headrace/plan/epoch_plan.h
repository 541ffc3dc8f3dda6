// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "headrace/base/error.h"
#include "headrace/plan/permutation.h"
#include "headrace/plan/rank.h"

namespace headrace::plan {

// Which objects each rank reads; the names are SageMaker's.
enum class Distribution : uint8_t { kFullyReplicated, kShardedByS3Key };

struct PlanOptions {
  Distribution distribution = Distribution::kFullyReplicated;
  // Set: every epoch has an order of its own. Nothing: the order of the listing, every epoch.
  std::optional<uint64_t> shuffle_seed;
};

// Where an epoch is taken up again: `position` counts objects of the epoch's order over all ranks,
// so it means the same for any world size. With ShardedByS3Key, n ranks that have each read k
// objects of the epoch stand at position k * n.
struct ResumePoint {
  uint64_t epoch = 0;
  uint64_t position = 0;

  bool operator==(const ResumePoint&) const = default;
};

// "EPOCH:POSITION", as --resume takes it.
Result<ResumePoint> ParseResumePoint(std::string_view text);

// What one rank reads in one epoch, in order: a pure function of its arguments, so all ranks agree
// without a word. The epoch's order holds each object once; with ShardedByS3Key the object at
// position p of it goes to rank p mod n, so over all ranks each object is read once, whatever n is,
// and with a shuffle to another rank each epoch.
class EpochPlan {
 public:
  // Precondition: rank.index < rank.count. A position beyond the epoch leaves nothing to read.
  EpochPlan(uint64_t object_count, const PlanOptions& options, Rank rank, ResumePoint start);

  // How many objects this rank reads from the start on.
  uint64_t size() const { return size_; }
  // The listing's index of the `index`-th of them. Precondition: index < size().
  uint64_t ObjectAt(uint64_t index) const;
  // Whether this rank reads the listing's object `object` (from the start on): what ObjectAt gives,
  // asked the other way round. Precondition: object < object_count.
  bool Holds(uint64_t object) const;
  // Where to resume after this rank has read `index` of them, as far as this rank can tell: where
  // all ranks stand when each has read as many, or the next epoch's begin after the last one.
  ResumePoint ResumeAt(uint64_t index) const;

 private:
  uint64_t PositionAt(uint64_t index) const { return first_ + index * stride_; }

  uint64_t object_count_;
  uint64_t epoch_;
  uint64_t begin_;  // Position of the start.
  uint64_t stride_;
  uint64_t first_;  // Position of this rank's first object at or after the start.
  uint64_t size_;
  std::optional<Permutation> order_;
};

}  // namespace headrace::plan
