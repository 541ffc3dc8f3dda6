// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "headrace/cli/commands.h"
#include "headrace/cli/filter_options.h"
#include "headrace/cli/place.h"
#include "headrace/cli/remove_prefix.h"
#include "headrace/cli/transfer_display.h"

namespace headrace::cli {
namespace {

struct RmOptions {
  explicit RmOptions(CLI::App& app) : filters(app) {}
  std::string uri;
  bool is_recursive = false;
  bool is_dry_run = false;
  bool shows_progress = true;
  FilterOptions filters;
};

Result<ExitCode> RemoveOne(CommandContext& context, const S3Uri& uri, TransferDisplay& display,
                           bool is_dry_run) {
  const Step step{
      .verb = "delete", .source = FormatS3Uri(uri.bucket, uri.key), .target = {}, .size_bytes = 0};
  if (is_dry_run) {
    display.OnWouldDo(step);
    return display.Finish(std::nullopt);
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  const DeleteRequest request{.bucket = uri.bucket, .key = uri.key, .conditions = {}};
  const CallContext call = context.call();
  HR_TRY(context.Run(store->Delete(request, call)));
  display.OnDone(step);
  return display.Finish(std::nullopt);
}

Result<ExitCode> Rm(CommandContext& context, const RmOptions& options) {
  HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(options.uri));
  TransferDisplay display(
      context, "rm",
      {.shows_progress = options.shows_progress && options.is_recursive && !options.is_dry_run,
       .on_item_end = {}});
  if (!options.is_recursive) {
    if (uri.key.empty()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' names no object: add --recursive for all of them", options.uri));
    }
    return RemoveOne(context, uri, display, options.is_dry_run);
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  uri.key = FolderPrefix(uri.key);
  const file::PathFilter filter = options.filters.Filter();
  const Status removed = RemovePrefix(context, *store, uri, filter, options.is_dry_run, display);
  std::optional<Error> whole;
  if (!removed.has_value()) whole = removed.error();
  return display.Finish(whole);
}

}  // namespace

CommandAction DeclareRm(CLI::App& app) {
  auto options = std::make_shared<RmOptions>(app);
  app.add_option("OBJECT", options->uri, "s3://BUCKET/KEY")->required();
  app.add_flag("-r,--recursive", options->is_recursive, "Everything below s3://BUCKET/KEY/");
  app.add_flag("--dry-run,--dryrun", options->is_dry_run,
               "Print what would be done, and do nothing");
  app.add_flag_callback(
      "--no-progress", [&shows = options->shows_progress] { shows = false; },
      "No progress line on a terminal");
  return [options](CommandContext& context) { return Rm(context, *options); };
}

}  // namespace headrace::cli
