// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>

#include "headrace/cli/commands.h"
#include "headrace/cli/remove_prefix.h"
#include "headrace/cli/transfer_display.h"
#include "headrace/cli/uri_arguments.h"

namespace headrace::cli {
namespace {

struct RbOptions {
  std::string uri;
  bool is_forced = false;
};

Result<ExitCode> RemoveBucket(CommandContext& context, const RbOptions& options) {
  HR_TRY_ASSIGN(const std::string bucket, ParseBucket(options.uri));
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  TransferDisplay display(context, "rb", {.shows_progress = options.is_forced, .on_item_end = {}});
  if (options.is_forced) {
    const Status emptied = RemovePrefix(context, *store, {.bucket = bucket, .key = {}},
                                        file::PathFilter(), false, display);
    if (!emptied.has_value()) return display.Finish(emptied.error());
    if (display.failed_count() > 0) return display.Finish(std::nullopt);
  }
  const CallContext call = context.call();
  Status removed = context.Run(store->DeleteBucket(bucket, call));
  if (!removed.has_value()) return display.Finish(std::move(removed).error());
  display.OnDone({.verb = "remove", .source = "s3://" + bucket, .target = {}, .size_bytes = 0});
  return display.Finish(std::nullopt);
}

}  // namespace

CommandAction DeclareRb(CLI::App& app) {
  auto options = std::make_shared<RbOptions>();
  app.add_option("BUCKET", options->uri, "The bucket, as s3://BUCKET")->required();
  app.add_flag("--force", options->is_forced, "Delete the objects in it first");
  return [options](CommandContext& context) { return RemoveBucket(context, *options); };
}

}  // namespace headrace::cli
