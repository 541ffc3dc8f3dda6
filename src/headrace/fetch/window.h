// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "headrace/base/clock.h"

namespace headrace::fetch {

struct WindowOptions {
  // Enough to keep the loops and the server's threads busy on a network without latency: so many
  // large ones (of 4 to 16 parts of 8 MiB in flight beside the store 4 are as fast), and so many
  // small ones as long as all are below `small_bytes_max`. With few small ones in flight both sides
  // fall asleep after each.
  uint32_t requests_min = 4;
  uint32_t small_requests_min = 32;
  uint64_t small_bytes_max = 32ULL << 20U;
  // A few doublings, each one request time long, reach any window.
  uint32_t requests_start = 16;
  // Of large parts fewer, and as few at least in a probe: what they take is what later ones are
  // judged by, and beside the store more share one rate. At least 1.
  uint32_t large_requests_start = 2;
  // Of large parts that take 10 ms at most each with nothing queued, and in proportion more of
  // those that take 20 (window.cc), but never fewer than `requests_min`: in flight together so many
  // bytes are 3 GB/s and more. Further ones only take memory, which is dear while it is new to the
  // process.
  uint64_t near_large_bytes_max = 32ULL << 20U;
  // A socket and about 20 KiB of memory each; 30 ms away this is 34,000 objects a second.
  uint32_t requests_max = 1024;
  // Stop growing here; 0: where the goodput stops rising.
  uint64_t target_bytes_per_second = 0;
};

// One request that has brought its bytes.
struct PartObservation {
  SteadyTime ended_at;
  std::chrono::nanoseconds first_byte{};  // From its start,
  std::chrono::nanoseconds total{};       // and to its last byte.
  uint64_t size_bytes = 0;
};

// How many requests there should be in flight: twice the measured rate times the time that a
// request takes when nothing queues. While latency is the limit this lets the window grow with
// every round of requests; where goodput stops rising it stays at twice what fills the path. In the
// beginning each small answer from afar makes room for one request more, until rounds bring little
// more than those before. The unloaded time is the least mean of a round, looked for anew now and
// then in a round of what the path holds without a queue; of large parts half of that, since those
// share the path's rate with one another long before anything queues, and what they take then says
// nothing.
// See docs/decisions/0021.
//
// Pure: time comes with the observations. Threads: its owner's lock.
class WindowController {
 public:
  explicit WindowController(const WindowOptions& options);

  // A request starts. Until two rounds have ended, large ones keep the window at their start,
  // unless the store turns out to be far away.
  void OnPartBegin(uint64_t size_bytes);
  // True: whoever can tell says how soon the first answer began, without waiting for its end.
  bool wants_first_answer() const { return wants_first_answer_; }
  void OnFirstAnswer(std::chrono::nanoseconds first_byte);
  // `was_full`: requests were waiting for the window when this one ended. Without, the rate says
  // nothing about what the path can carry and the window stays.
  void OnPartEnd(const PartObservation& part, bool was_full);
  uint32_t requests() const { return requests_; }

 private:
  // Requests that ended one after the other, as many as the window.
  struct Round {
    SteadyTime begun_at{};
    uint32_t wanted_count = 0;  // The window at its begin.
    uint32_t count = 0;
    uint32_t full_count = 0;
    uint64_t size_bytes = 0;
    std::chrono::nanoseconds first_byte{};
    std::chrono::nanoseconds transfer{};  // What came after.
  };
  // Sets the window for the next one.
  void EndRound(const Round& round, SteadyTime now);
  void NoteRate(double rate, double mean_bytes);
  // Requests a second that bring the target throughput; infinite without one.
  double TargetRate(double mean_bytes) const;
  // Answers of that mean are no measure beside those of the best rate.
  bool IsOtherSize(double mean_bytes) const;
  void BeginProbe(double wanted, uint32_t least);
  // Of what a path that carries so many requests a second holds without a queue.
  void BeginProbeOf(double rate, double mean_bytes);
  // How many there are at least, of answers of that size; a probe may go below.
  uint32_t LeastFor(double mean_bytes) const;
  uint32_t Limited(double wanted, uint32_t least) const;
  // `may_have_queue`: then only what is less than known is news.
  void LearnUnloaded(SteadyTime now, const Round& round, bool may_have_queue);
  // Whether what it took was the way to a far store and no queue, which a wider window would only
  // lengthen. Of large ones that cannot be told.
  bool WasLatency(const PartObservation& part) const;
  // What a request of that size takes when nothing queues.
  double UnloadedSeconds(double mean_bytes) const;

  const WindowOptions options_;
  uint32_t requests_;
  std::optional<Round> round_;
  double rate_max_ = 0;         // Requests a second, of the rounds lately,
  double rate_mean_bytes_ = 0;  // and how large their answers were.
  // Unloaded; 0: not known.
  double first_byte_s_ = 0;
  double transfer_s_per_byte_ = 0;
  SteadyTime unloaded_found_at_{};
  uint32_t flat_rounds_ = 0;  // The last ones, that were not rising.
  bool is_starting_ = true;   // From afar, each small request that ends still widens the window.
  bool is_probing_ = false;   // This round looks for the unloaded time.
  uint32_t requests_before_probe_ = 0;
  bool has_begun_large_ = false;
  bool has_warmed_up_ = false;   // The first large parts have paid for what is new.
  bool has_seen_large_ = false;  // In a whole round.
  bool wants_first_answer_ = false;
};

}  // namespace headrace::fetch
