// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"
#include "headrace/store/object_store.h"

namespace headrace::cli {

// Standard input, a pipe or a file as bytes come in. Lifetime: the descriptor outlives it.
class InputStream {
 public:
  // Standard input, past the stream's own buffer.
  InputStream(std::FILE* stream, const CallContext& context);
  // `name` is what messages call it. Of a pipe that was opened with O_NONBLOCK the first writer is
  // waited for.
  InputStream(int input, std::string name, const CallContext& context);

  // Fills `target` from its start and says how much; 0 is the end. Blocks until something comes;
  // kCancelled as soon as a stop is requested, kTimedOut at the deadline.
  Result<size_t> Read(std::span<std::byte> target);

 private:
  void RaiseStop();

  const int input_;
  const std::string name_;
  const Deadline deadline_;
  UniqueFd stop_event_;  // Becomes readable when a stop is requested.
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace headrace::cli
