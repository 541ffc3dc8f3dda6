// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/engine_options.h"

#include <algorithm>
#include <cstdint>

#include <CLI/CLI.hpp>

#include "headrace/cli/option_checks.h"

namespace headrace::cli {
namespace {

// A few parts at once, whatever --memory says: it may be exceeded by this much.
constexpr uint64_t kUploadBytesMin = 64ULL << 20U;

}  // namespace

void DeclareEngineOptions(CLI::App& app, EngineSettings& settings) {
  app.add_option("--memory", settings.memory_bytes,
                 "What is asked for or waits to be used takes at most this (default: a quarter of "
                 "the machine's, at most 2GiB)")
      ->transform(Size())
      ->type_name("SIZE");
  app.add_option("--target-throughput", settings.target_bytes_per_second,
                 "Enough requests for so many bytes a second, and no more (default: as many as "
                 "make it faster)")
      ->transform(Size())
      ->type_name("SIZE");
  app.add_flag_callback(
      "--no-verify", [&verifies = settings.verifies_checksums] { verifies = false; },
      "Do not compare objects' checksums with the store's");
}

file::TransferOptions TransferOptionsFor(CommandContext& context) {
  const fetch::FetchOptions fetching = context.fetching();
  file::TransferOptions options;
  options.memory = fetching.memory;
  if (!context.has_own_memory()) options.memory_bytes_max = kTransferMemoryBytes;
  options.upload_memory_bytes_max =
      std::clamp(options.memory->limit_bytes(), kUploadBytesMin, options.upload_memory_bytes_max);
  options.requests_in_flight_max = fetching.requests_in_flight_max;
  options.upload_requests_max =
      std::min<uint64_t>(options.upload_requests_max, fetching.requests_in_flight_max);
  options.target_bytes_per_second = fetching.target_bytes_per_second;
  options.verify_checksums = fetching.verify_checksums;
  return options;
}

}  // namespace headrace::cli
