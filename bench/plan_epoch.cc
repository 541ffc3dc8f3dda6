// SPDX-License-Identifier: Apache-2.0
// usage: plan_epoch COUNT
//
// Plans a shuffled epoch of COUNT objects that are listed in memory, and prints, as one line of
// JSON, what the first read and every further one cost.
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

#include "headrace/plan/epoch_plan.h"
#include "headrace/plan/listing.h"

namespace {

using headrace::plan::EpochPlan;

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  headrace::plan::ListingBuilder builder;
  for (uint64_t i = 0; i < count; ++i) {
    const headrace::ObjectInfo object{.key = fmt::format("train/{:04}/{:08}.jpg", i / 10'000, i),
                                      .size_bytes = 40'960,
                                      .etag = fmt::format("{:032x}", i)};
    if (!builder.Add(object)) return 1;
  }
  const auto listing = builder.Finish();
  if (!listing) return 1;
  const auto begin = std::chrono::steady_clock::now();
  const EpochPlan plan(
      listing->size(),
      {.distribution = headrace::plan::Distribution::kShardedByS3Key, .shuffle_seed = 7},
      {.index = 3, .count = 8}, {.epoch = 1, .position = 0});
  uint64_t sum = listing->ObjectAt(plan.ObjectAt(0)).key.size();
  const double first_seconds = SecondsSince(begin);
  const EpochPlan whole(listing->size(), {.distribution = {}, .shuffle_seed = 7}, {},
                        {.epoch = 1, .position = 0});
  const auto positions_begin = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < whole.size(); ++i) sum += whole.ObjectAt(i);
  const double positions_seconds = SecondsSince(positions_begin);
  fmt::print("{{\"objects\": {}, \"first_read_s\": {:.9f}, \"position_s\": {:.3e}, \"sum\": {}}}\n",
             listing->size(), first_seconds, positions_seconds / static_cast<double>(whole.size()),
             sum);
  return 0;
}
