// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

// Takes the next bytes of an object; an error ends the read. May block.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

// Reads an object from its first byte to its last into `sink`, the next ranges on their way
// meanwhile, as far ahead as the fetcher's memory allows. All bytes are of one version:
// kPreconditionFailed when the object is replaced under the reader; kCorrupt, behind the last byte,
// when they do not have the object's checksum. Gives the object's head. Blocks its thread, which
// calls `sink` and must not be an event loop.
Result<ObjectHead> ReadInOrder(ObjectStore& store, EventLoops& loops, const std::string& bucket,
                               const std::string& key, const ByteSink& sink,
                               const CallContext& context, const fetch::FetchOptions& options);

}  // namespace headrace::file
