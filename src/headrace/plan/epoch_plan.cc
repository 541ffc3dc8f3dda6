// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/epoch_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace::plan {
namespace {

// The first position not before `start` that belongs to the rank.
uint64_t FirstPosition(uint64_t start, Rank rank) {
  const uint64_t behind = start % rank.count;
  return start + (rank.index + rank.count - behind) % rank.count;
}

}  // namespace

Result<ResumePoint> ParseResumePoint(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto epoch = ParseDecimal(text.substr(0, colon));
    const auto position = ParseDecimal(text.substr(colon + 1));
    if (epoch && position) return ResumePoint{.epoch = *epoch, .position = *position};
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("resume point '{}' is not EPOCH:POSITION, two numbers", text));
}

EpochPlan::EpochPlan(uint64_t object_count, const PlanOptions& options, Rank rank,
                     ResumePoint start)
    : object_count_(object_count),
      epoch_(start.epoch),
      begin_(std::min(start.position, object_count)) {
  HR_CHECK(rank.index < rank.count);
  if (options.distribution == Distribution::kFullyReplicated) rank = {};
  stride_ = rank.count;
  first_ = FirstPosition(begin_, rank);
  size_ = first_ < object_count ? (object_count - first_ - 1) / stride_ + 1 : 0;
  if (options.shuffle_seed) order_.emplace(*options.shuffle_seed, epoch_, object_count);
}

uint64_t EpochPlan::ObjectAt(uint64_t index) const {
  HR_CHECK(index < size_);
  const uint64_t position = PositionAt(index);
  return order_ ? order_->At(position) : position;
}

bool EpochPlan::Holds(uint64_t object) const {
  HR_CHECK(object < object_count_);
  const uint64_t position = order_ ? order_->PositionOf(object) : object;
  return position >= first_ && (position - first_) % stride_ == 0;
}

ResumePoint EpochPlan::ResumeAt(uint64_t index) const {
  HR_CHECK(index <= size_);
  if (index == size_) return {.epoch = epoch_ + 1, .position = 0};
  // Not the position of this rank's next object: those of lower ranks stand before it.
  return {.epoch = epoch_, .position = begin_ + index * stride_};
}

}  // namespace headrace::plan
