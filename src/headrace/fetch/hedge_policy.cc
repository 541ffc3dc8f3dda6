// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/hedge_policy.h"

#include <algorithm>
#include <cmath>

#include "headrace/fetch/part_size.h"

namespace headrace::fetch {
namespace {

// A quantile of fewer is no quantile.
constexpr uint64_t kSamplesMin = 100;
// A whole burst of late answers is the store's or the network's trouble, not one request's: more
// load does not mend it.
constexpr double kBurstMax = 64;
// Of those, kept for requests that are overdue; in the beginning half of what there has been. A
// thousand in flight to a store of which one answer in a hundred goes wrong have ten of those, and
// a machine that stands still for a moment makes others overdue with them.
constexpr double kReserveMax = 48;
// On a near network the slowest hundredth is a matter of microseconds and of our own queues: a
// request is late when it takes twice as long as most and a little more.
constexpr std::chrono::milliseconds kLateMin{5};
// Where nothing else ends either, the path stands still or this request is nearly alone: then a
// large one is late after so much longer.
constexpr std::chrono::milliseconds kStandstill{250};

// What is late for so many times as long is overdue.
constexpr int kOverdue = 2;
// A hedge is not given up sooner: a machine that stands still for a moment is no silent server.
constexpr std::chrono::milliseconds kHedgeAnswerMin{250};

constexpr double kMebibyte = 1 << 20;

}  // namespace

void RunningDistribution::Add(std::chrono::nanoseconds span) {
  const double microseconds =
      std::max(1.0, std::chrono::duration<double, std::micro>(span).count());
  const auto bucket = static_cast<size_t>(std::log2(microseconds) * kBucketsPerDoubling);
  ++buckets_[std::min(bucket, kBucketCount - 1)];
  if (++count_ < kCountMax) return;
  count_ = 0;
  for (uint32_t& kept : buckets_) {
    kept /= 2;
    count_ += kept;
  }
}

std::chrono::nanoseconds RunningDistribution::Quantile(double share) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  size_t bucket = 0;
  for (; bucket < kBucketCount; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) break;
  }
  const double upper = std::exp2(static_cast<double>(bucket + 1) / kBucketsPerDoubling);
  return std::chrono::nanoseconds(static_cast<int64_t>(upper * 1000));
}

void HedgePolicy::OnRequest() {
  earned_ = std::min(kBurstMax, earned_ + options_.share_max);
  earned_all_ += options_.share_max;
}

void HedgePolicy::OnPartEnd(std::chrono::nanoseconds first_byte, std::chrono::nanoseconds total,
                            uint64_t size_bytes) {
  first_byte_.Add(first_byte);
  if (size_bytes < kLargePartBytes) return;
  const double per_mebibyte = static_cast<double>((total - first_byte).count()) * kMebibyte /
                              static_cast<double>(size_bytes);
  transfer_per_mebibyte_.Add(std::chrono::nanoseconds(static_cast<int64_t>(per_mebibyte)));
}

HedgePolicy::Limits HedgePolicy::CurrentLimits() const {
  const auto spans = [this](const RunningDistribution& answers) -> std::optional<Limits::Spans> {
    if (options_.share_max <= 0 || answers.count() < kSamplesMin) return std::nullopt;
    return Limits::Spans{.usual = answers.Quantile(0.5),
                         .slow = answers.Quantile(options_.late_quantile)};
  };
  return {.first_byte = spans(first_byte_), .transfer_per_mebibyte = spans(transfer_per_mebibyte_)};
}

std::optional<std::chrono::nanoseconds> HedgePolicy::Limits::LateWithoutAnswer() const {
  if (!first_byte) return std::nullopt;
  return std::max<std::chrono::nanoseconds>(first_byte->slow, 2 * first_byte->usual + kLateMin);
}

std::optional<std::chrono::nanoseconds> HedgePolicy::Limits::LateAfter(uint64_t size_bytes) const {
  const auto answer = LateWithoutAnswer();
  if (!answer) return std::nullopt;
  // All of a small body comes with its first byte, or as soon again.
  if (size_bytes < kLargePartBytes) return 2 * *answer;
  if (!transfer_per_mebibyte) return std::nullopt;
  const auto per_mebibyte = std::max(transfer_per_mebibyte->slow, 2 * transfer_per_mebibyte->usual);
  const double mebibytes = static_cast<double>(size_bytes) / kMebibyte;
  return *answer + std::chrono::nanoseconds(
                       static_cast<int64_t>(static_cast<double>(per_mebibyte.count()) * mebibytes));
}

HedgePolicy::Lateness HedgePolicy::Limits::LatenessOf(const Flight& flight) const {
  const auto late_after = flight.is_answered ? LateAfter(flight.size_bytes) : LateWithoutAnswer();
  if (!late_after || flight.elapsed < *late_after) return Lateness::kUsual;
  std::chrono::nanoseconds surely_late = *late_after;
  if (flight.size_bytes >= kLargePartBytes) {
    surely_late += kStandstill;
    const bool is_overtaken = flight.ended_since >= 2 * flight.others_in_flight;
    if (!is_overtaken && flight.elapsed < surely_late) return Lateness::kUsual;
  }
  return flight.elapsed < kOverdue * surely_late ? Lateness::kLate : Lateness::kOverdue;
}

std::optional<std::chrono::nanoseconds> HedgePolicy::Limits::HedgeAnswerTimeout() const {
  const auto late_after = LateWithoutAnswer();
  if (!late_after) return std::nullopt;
  return std::max<std::chrono::nanoseconds>(kOverdue * *late_after, kHedgeAnswerMin);
}

bool HedgePolicy::MayHedge(Lateness lateness) const {
  if (lateness == Lateness::kUsual) return false;
  const bool is_overdue = lateness == Lateness::kOverdue;
  const double kept = is_overdue ? 0 : std::min(kReserveMax, earned_all_ / 2);
  return earned_ >= 1 + kept;
}

}  // namespace headrace::fetch
