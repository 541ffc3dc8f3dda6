// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/read_objects.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "headrace/cli/engine_options.h"
#include "headrace/cli/look_up.h"
#include "headrace/fetch/ordered_reader.h"

namespace headrace::cli {

Status ReadObjects(CommandContext& context, ObjectStore& store, std::vector<S3Uri> objects,
                   const ByteConsumer& consume) {
  const CallContext call = context.call();
  fetch::ReadSource reads =
      [&, index = size_t{0}]() mutable -> Result<std::optional<fetch::PlannedRead>> {
    if (index == objects.size()) return std::nullopt;
    const S3Uri& uri = objects[index++];
    HR_TRY_ASSIGN(const ObjectHead head, LookUp(context, store, uri));
    return fetch::PlannedRead{.bucket = uri.bucket,
                              .key = uri.key,
                              .object_size_bytes = head.info.size_bytes,
                              .etag = head.info.etag,
                              .range = {.begin = 0, .end = head.info.size_bytes}};
  };
  fetch::FetchOptions options = context.fetching();
  if (!context.has_own_memory()) options.memory_bytes_max = kTransferMemoryBytes;
  fetch::Fetcher fetcher(store, context.loops(), options);
  fetch::OrderedReader reader(fetcher, std::move(reads), call);
  while (true) {
    HR_TRY_ASSIGN(const std::optional<fetch::Part> part, reader.Next());
    if (!part) return Ok();
    HR_TRY_ASSIGN(const bool goes_on, consume(part->bytes.span()));
    if (!goes_on) return Ok();
  }
}

}  // namespace headrace::cli
