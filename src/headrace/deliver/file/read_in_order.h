// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

struct ReadInOrderOptions {
  // The cost-optimal request size of S3.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Parts fetched or waiting for the sink at once: 64 MiB of buffers, and eight connections carry
  // what one reader of a pipe takes.
  size_t parts_max = 8;
};

// Takes the next bytes of an object; an error ends the read.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

// Reads an object from its first byte to its last into `sink`, the next ranges on their way
// meanwhile. All bytes are of one version: kPreconditionFailed when the object is replaced under
// the reader. Gives the object's head. Blocks its thread, which calls `sink` and must not be an
// event loop.
Result<ObjectHead> ReadInOrder(ObjectStore& store, EventLoops& loops, const std::string& bucket,
                               const std::string& key, const ByteSink& sink,
                               const CallContext& context, ReadInOrderOptions options = {});

}  // namespace headrace::file
