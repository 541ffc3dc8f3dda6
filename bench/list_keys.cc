// SPDX-License-Identifier: Apache-2.0
// usage: list_keys BUCKET [PREFIX]
//
// Lists a prefix into memory as `headrace run` does and prints, as one line of JSON, what the table
// takes. The store is found as the command line finds it (environment, profile).
#include <chrono>
#include <string>

#include <fmt/format.h>

#include "headrace/base/environment.h"
#include "headrace/base/event_loops.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/store/s3/s3_store.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: list_keys BUCKET [PREFIX]\n");
    return 2;
  }
  headrace::EventLoops loops(2);
  auto store =
      headrace::s3::OpenS3Store({}, headrace::Environment::OfProcess(), headrace::RealClock());
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message());
    return 1;
  }
  const headrace::plan::ListSource source{.bucket = argv[1], .prefix = argc > 2 ? argv[2] : ""};
  const auto start = std::chrono::steady_clock::now();
  const auto listing = headrace::plan::ListPrefix(**store, loops, source, {}, {});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!listing) {
    fmt::print(stderr, "{}\n", listing.error().message());
    return 1;
  }
  uint64_t key_bytes = 0;
  for (const auto& object : *listing) key_bytes += object.key.size();
  fmt::print("{{\"keys\":{},\"key_bytes\":{},\"memory_bytes\":{},\"seconds\":{:.3f}}}\n",
             listing->size(), key_bytes, listing->memory_bytes(), took.count());
  return 0;
}
