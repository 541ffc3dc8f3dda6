// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <string>

#include "headrace/base/json_line.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/place.h"
#include "headrace/cli/print.h"
#include "headrace/cli/uri_arguments.h"
#include "headrace/store/s3/s3_store.h"

namespace headrace::cli {
namespace {

struct PresignOptions {
  std::string uri;
  int64_t lifetime_seconds = 3600;
};

Result<ExitCode> Presign(CommandContext& context, const PresignOptions& options) {
  HR_TRY_ASSIGN(const S3Uri uri, ParseObject(options.uri));
  const CommandWorld& world = context.world();
  // Signing is the S3 store's own: no other store has URLs to give.
  context.loops();
  HR_TRY_ASSIGN(const std::unique_ptr<s3::S3Store> store,
                s3::OpenS3Store(context.options().s3, world.environment, *world.clock));
  const CallContext call = context.call();
  HR_TRY_ASSIGN(const std::string url,
                context.Run(store->PresignGet(
                    uri.bucket, uri.key, std::chrono::seconds(options.lifetime_seconds), call)));
  if (context.options().is_json) {
    PrintLine(world.out,
              JsonLine()
                  .Add("uri", FormatS3Uri(uri.bucket, uri.key))
                  .Add("url", url)
                  .Add("expires_in_seconds", static_cast<uint64_t>(options.lifetime_seconds))
                  .Text());
  } else {
    PrintLine(world.out, url);
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclarePresign(CLI::App& app) {
  auto options = std::make_shared<PresignOptions>();
  app.add_option("OBJECT", options->uri, "The object, as s3://BUCKET/KEY")->required();
  app.add_option("--expires-in", options->lifetime_seconds,
                 "Seconds until the URL stops working, at most 604800 (7 days)")
      ->transform(WholeNumber())
      ->type_name("SECONDS")
      ->capture_default_str();
  return [options](CommandContext& context) { return Presign(context, *options); };
}

}  // namespace headrace::cli
