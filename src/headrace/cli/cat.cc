// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/cli/commands.h"
#include "headrace/cli/engine_options.h"
#include "headrace/cli/print_objects.h"
#include "headrace/cli/uri_arguments.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {
namespace {

struct CatOptions {
  std::vector<std::string> objects;
  EngineSettings engine;
};

Result<ExitCode> Cat(CommandContext& context, const CatOptions& options) {
  std::vector<S3Uri> uris;
  for (const std::string& text : options.objects) {
    HR_TRY_ASSIGN(S3Uri uri, ParseObject(text));
    uris.push_back(std::move(uri));
  }
  context.SetEngine(options.engine);
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  HR_TRY(PrintObjects(context, *store, std::move(uris)));
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareCat(CLI::App& app) {
  auto options = std::make_shared<CatOptions>();
  app.add_option("OBJECT", options->objects,
                 "Objects, as s3://BUCKET/KEY, in the order to print them")
      ->required();
  DeclareEngineOptions(app, options->engine);
  return [options](CommandContext& context) { return Cat(context, *options); };
}

}  // namespace headrace::cli
