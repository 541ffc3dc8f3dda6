// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace headrace::fetch {

// How spans are distributed lately: counts in buckets an eighth of a doubling wide, halved when
// there are many, so that old ones fade. Threads: its owner's lock.
class RunningDistribution {
 public:
  void Add(std::chrono::nanoseconds span);
  // The span that `share` (0 to 1) of all are not above; to the upper end of its bucket.
  std::chrono::nanoseconds Quantile(double share) const;
  uint64_t count() const { return count_; }

 private:
  static constexpr size_t kBucketsPerDoubling = 8;
  static constexpr size_t kBucketCount = 40 * kBucketsPerDoubling;  // Up to 18 minutes.
  static constexpr uint64_t kCountMax = 8192;
  std::array<uint32_t, kBucketCount> buckets_{};
  uint64_t count_ = 0;
};

struct HedgeOptions {
  // Hedges for every request; 0: none.
  double share_max = 0.02;
  // What takes longer than this quantile is late, and costs a hedge: three quarters of the usual
  // budget, the rest is for hours that are worse. Answers that went wrong are among them, so where
  // one in a hundred does, a quantile of 0.99 would call nothing late but those.
  double late_quantile = 0.985;
};

// When a request is late enough to be asked a second time, and whether there is budget for it.
// Pure. Threads: its owner's lock.
class HedgePolicy {
 public:
  explicit HedgePolicy(const HedgeOptions& options) : options_(options) {}

  // A request starts: earns its share of a hedge.
  void OnRequest();
  // A request brought its bytes, by itself or with a hedge's help: the first after so long, all of
  // them after so long.
  void OnPartEnd(std::chrono::nanoseconds first_byte, std::chrono::nanoseconds total,
                 uint64_t size_bytes);

  // How a flight compares with the others.
  enum class Lateness : uint8_t {
    kUsual,
    kLate,
    kOverdue,  // Under way for twice as long as makes it late: hardly by chance.
  };
  // A request that has not ended.
  struct Flight {
    std::chrono::nanoseconds elapsed{};
    uint64_t size_bytes = 0;
    bool is_answered = false;
    uint64_t ended_since = 0;       // Requests that ended since this one began,
    uint64_t others_in_flight = 0;  // and those beside it.
  };
  // When requests are late: a value, for judging many at once.
  struct Limits {
    struct Spans {
      std::chrono::nanoseconds usual{};
      std::chrono::nanoseconds slow{};
    };
    std::optional<Spans> first_byte;
    std::optional<Spans> transfer_per_mebibyte;
    // How long after its start a request is late whose answer has not begun, or one for so many
    // bytes whose answer has; nothing: too little is known.
    std::optional<std::chrono::nanoseconds> LateWithoutAnswer() const;
    std::optional<std::chrono::nanoseconds> LateAfter(uint64_t size_bytes) const;
    // A large one is not late as long as it only waits its turn: with the path full, each takes as
    // long as all of them, and a second request would take its turn behind them. Late is one that
    // two whole windows have overtaken.
    Lateness LatenessOf(const Flight& flight) const;
    // How long a hedge waits for its answer before it is sent anew; nothing before there are
    // hedges.
    std::optional<std::chrono::nanoseconds> HedgeAnswerTimeout() const;
  };
  // Empty ones while hedging is off.
  Limits CurrentLimits() const;
  // Whether there is budget for a hedge. Requests that are merely late leave some for those that
  // are overdue: most of them end by themselves, and while no requests start nothing is earned.
  bool MayHedge(Lateness lateness) const;
  // A hedge starts, and is paid for.
  void OnHedge() { earned_ -= 1; }

 private:
  const HedgeOptions options_;
  double earned_ = 0;      // And not spent.
  double earned_all_ = 0;  // Since the first request, spent or not.
  RunningDistribution first_byte_;
  RunningDistribution transfer_per_mebibyte_;  // From the first byte to the last, of large answers.
};

}  // namespace headrace::fetch
