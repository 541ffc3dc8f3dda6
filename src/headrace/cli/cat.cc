// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "headrace/cli/commands.h"
#include "headrace/cli/place.h"
#include "headrace/cli/stream_io.h"
#include "headrace/deliver/file/read_in_order.h"

namespace headrace::cli {
namespace {

Result<ExitCode> Cat(CommandContext& context, const std::vector<std::string>& objects) {
  std::vector<S3Uri> uris;
  for (const std::string& text : objects) {
    HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
    if (uri.key.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' names no object", text));
    }
    uris.push_back(std::move(uri));
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  for (const S3Uri& uri : uris) {
    HR_TRY(file::ReadInOrder(*store, context.loops(), uri.bucket, uri.key,
                             SinkOf(context.world().out), context.call(), fetch::FetchOptions{}));
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareCat(CLI::App& app) {
  auto objects = std::make_shared<std::vector<std::string>>();
  app.add_option("OBJECT", *objects, "Objects, as s3://BUCKET/KEY, in the order to print them")
      ->required();
  return [objects](CommandContext& context) { return Cat(context, *objects); };
}

}  // namespace headrace::cli
