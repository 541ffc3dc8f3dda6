// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "headrace/fetch/fetcher.h"

namespace headrace::fetch {

// Delivers a sequence of reads in order, byte after byte, while the parts behind are already on
// their way: for pipes and standard output.
//
// Threads: Next is called by one thread, which is no event loop, and blocks. Lifetime: the fetcher
// outlives it. Dropping it early cancels what is on its way and returns its memory.
class OrderedReader {
 public:
  OrderedReader(Fetcher& fetcher, ReadSource source, CallContext context);
  ~OrderedReader();
  OrderedReader(const OrderedReader&) = delete;
  OrderedReader& operator=(const OrderedReader&) = delete;

  // The next bytes; nothing at the end of the last read. After an error: the same error again.
  Result<std::optional<Part>> Next();

 private:
  class Sink;

  Fetcher& fetcher_;
  ReadSource source_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> outer_stop_;
  CallContext context_;
  std::unique_ptr<Sink> sink_;
  std::thread runner_;
};

}  // namespace headrace::fetch
