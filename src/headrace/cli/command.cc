// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/command.h"

#include <algorithm>
#include <thread>

#include "headrace/base/machine_memory.h"
#include "headrace/cli/open_files.h"

namespace headrace::cli {
namespace {

// One loop drives thousands of connections; more only spread TLS and copying over the processors.
constexpr size_t kLoopCountMax = 4;

Deadline DeadlineOf(const GlobalOptions& options, const Clock& clock) {
  return options.timeout ? Deadline::After(*options.timeout, clock.Now()) : Deadline();
}

}  // namespace

CommandContext::CommandContext(GlobalOptions options, CommandWorld world)
    : options_(std::move(options)),
      world_(std::move(world)),
      deadline_(DeadlineOf(options_, *world_.clock)) {
  options_.s3.metrics = std::make_shared<s3::S3Metrics>(s3::kS3Metrics);
}

EventLoops& CommandContext::loops() {
  if (!loops_) {
    const size_t processors = std::thread::hardware_concurrency();
    loops_ = std::make_unique<EventLoops>(std::clamp<size_t>(processors, 1, kLoopCountMax));
  }
  return *loops_;
}

void CommandContext::SetEngine(const EngineSettings& settings) {
  HR_CHECK(!store_ && !memory_);
  engine_ = settings;
  options_.s3.verify_checksums = settings.verifies_checksums;
}

fetch::FetchOptions CommandContext::fetching() {
  if (!memory_) {
    memory_ = fetch::MemoryBudget::Make(
        has_own_memory() ? engine_.memory_bytes : fetch::DefaultMemoryBytes(UsableMemoryBytes()));
  }
  fetch::FetchOptions options;
  options.memory = memory_;
  options.requests_in_flight_max = RequestsWithin(OpenFilesMax(), options.requests_in_flight_max);
  options.target_bytes_per_second = engine_.target_bytes_per_second;
  options.verify_checksums = engine_.verifies_checksums;
  return options;
}

Result<ObjectStore*> CommandContext::Store() {
  if (!store_) {
    loops();
    HR_TRY_ASSIGN(store_, world_.open_store(options_.s3));
  }
  return store_.get();
}

}  // namespace headrace::cli
