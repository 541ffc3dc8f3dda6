// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/fetch/fetcher.h"
#include "headrace/plan/listing.h"

namespace headrace::cli {

// Which samples a bench reads.
struct BenchOrder {
  // 0: whole objects.
  uint64_t range_size_bytes = 0;
  // Of random ranges; whole objects are read once each.
  uint64_t read_count = 10'000;
  uint64_t seed = 1;
  // Whole objects in the order that `seed` gives instead of the listing's.
  bool is_shuffled = false;
};

// The samples of a bench, each a read: the objects of a listing, or ranges of them chosen at
// random. Threads: const methods may be called at once from any thread.
class BenchReads {
 public:
  BenchReads(std::string bucket, plan::Listing listing, BenchOrder order);

  uint64_t size() const;
  // The read of a sample: the same for the same listing and order. A range begins at a multiple of
  // 4 KiB of an object chosen evenly. Precondition: index < size().
  fetch::PlannedRead At(uint64_t index) const;
  // All of them in order. Lifetime: this outlives the source.
  fetch::ReadSource Source() const;

 private:
  const std::string bucket_;
  const plan::Listing listing_;
  const BenchOrder order_;
};

}  // namespace headrace::cli
