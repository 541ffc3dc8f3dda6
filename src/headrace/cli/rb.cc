// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/cli/commands.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {
namespace {

Result<ExitCode> RemoveBucket(CommandContext& context, const std::string& uri) {
  HR_TRY_ASSIGN(const S3Uri target, ParseS3Uri(uri));
  if (!target.key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' names an object; a bucket is s3://BUCKET", uri));
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  const CallContext call = context.call();
  HR_TRY(context.Run(store->DeleteBucket(target.bucket, call)));
  if (context.options().is_json) {
    const nlohmann::json line{{"operation", "rb"}, {"bucket", target.bucket}};
    fmt::print(context.world().out, "{}\n", line.dump());
  } else if (!context.options().is_quiet) {
    fmt::print(context.world().out, "removed s3://{}\n", target.bucket);
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareRemoveBucket(CLI::App& app) {
  auto uri = std::make_shared<std::string>();
  app.add_option("BUCKET", *uri, "The bucket, as s3://BUCKET")->required();
  return [uri](CommandContext& context) { return RemoveBucket(context, *uri); };
}

}  // namespace headrace::cli
