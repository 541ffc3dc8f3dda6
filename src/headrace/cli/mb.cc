// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "headrace/cli/commands.h"
#include "headrace/cli/transfer_display.h"
#include "headrace/cli/uri_arguments.h"

namespace headrace::cli {
namespace {

// A second request would not get through either.
bool IsOutOfReach(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kTimedOut ||
         code == ErrorCode::kThrottled || code == ErrorCode::kCancelled;
}

Result<ExitCode> MakeBucket(CommandContext& context, const std::string& uri) {
  HR_TRY_ASSIGN(const std::string bucket, ParseBucket(uri));
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  const CallContext call = context.call();
  // Some stores make their user's own bucket a second time without a word.
  const Status there = context.Run(store->HeadBucket(bucket, call));
  if (!there && IsOutOfReach(there.error().code())) return std::unexpected(there.error());
  HR_TRY(context.Run(store->CreateBucket(bucket, call)));
  TransferDisplay display(context, "mb", {.shows_progress = false, .on_item_end = {}});
  display.OnDone({.verb = there ? "exists" : "make",
                  .source = "s3://" + bucket,
                  .target = {},
                  .size_bytes = 0});
  return display.Finish(std::nullopt);
}

}  // namespace

CommandAction DeclareMb(CLI::App& app) {
  auto uri = std::make_shared<std::string>();
  app.add_option("BUCKET", *uri, "The bucket, as s3://BUCKET")->required();
  return [uri](CommandContext& context) { return MakeBucket(context, *uri); };
}

}  // namespace headrace::cli
