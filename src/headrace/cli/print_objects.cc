// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/print_objects.h"

#include <cerrno>
#include <utility>

#include "headrace/cli/read_objects.h"

namespace headrace::cli {

Status PrintObjects(CommandContext& context, ObjectStore& store, std::vector<S3Uri> objects) {
  std::FILE* out = context.world().out;
  const ByteConsumer print = [out](std::span<const std::byte> bytes) -> Result<bool> {
    if (std::fwrite(bytes.data(), 1, bytes.size(), out) != bytes.size()) {
      return Fail(ErrorCode::kResourceExhausted,
                  Error::FromErrno(errno, "write to standard output").message());
    }
    return true;
  };
  return ReadObjects(context, store, std::move(objects), print);
}

}  // namespace headrace::cli
