// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/cli/commands.h"
#include "headrace/cli/print_objects.h"
#include "headrace/store/s3_uri.h"

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
  HR_TRY(PrintObjects(context, *store, std::move(uris)));
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
