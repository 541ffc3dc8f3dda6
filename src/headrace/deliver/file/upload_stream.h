// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

struct UploadStreamOptions {
  // Of the first half of the parts, unless the expected size asks for more.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Buffers filled or on their way at once.
  uint64_t memory_bytes_max = 128ULL << 20U;
  size_t parts_in_flight_max = 8;
  // What the caller knows about the length; parts are sized to fit it.
  std::optional<uint64_t> expected_size_bytes;
};

// How large part `part_number` (from 1) of a stream is. Equal parts when the length is known;
// otherwise the second half of the 10,000 parts is four times as large, which takes 195 GiB at the
// default size without asking small streams for large buffers. Pure.
uint64_t StreamPartSize(uint32_t part_number, const UploadStreamOptions& options);

// Fills `target` from its start and says how much; 0 is the end. May block.
using ByteReader = std::function<Result<size_t>(std::span<std::byte> target)>;

// Uploads what `reader` gives until its end: one part as a plain object, more as a multipart upload
// with several parts on their way. The object appears when all of it is there; after an error the
// upload is aborted and nothing is left behind. `on_bytes` hears of uploaded bytes, on event loops.
// kInvalidArgument for a stream longer than its parts can carry. Blocks its thread, which calls
// `reader` and must not be an event loop.
Result<PutResult> UploadStream(ObjectStore& store, EventLoops& loops, const PutRequest& request,
                               const ByteReader& reader,
                               const std::function<void(uint64_t size_bytes)>& on_bytes,
                               const CallContext& context, const UploadStreamOptions& options = {});

}  // namespace headrace::file
