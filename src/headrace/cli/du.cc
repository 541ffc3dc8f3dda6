// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/print.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {
namespace {

struct DuOptions {
  std::vector<std::string> uris;
  bool is_human_readable = false;
};

struct Usage {
  uint64_t object_count = 0;
  uint64_t size_bytes = 0;
};

Result<Usage> UsageOf(CommandContext& context, ObjectStore& store, const S3Uri& uri) {
  plan::PrefixStream objects(store, context.loops(), {.bucket = uri.bucket, .prefix = uri.key},
                             plan::ListOptions{}, context.call());
  Usage usage;
  while (true) {
    HR_TRY_ASSIGN(const std::optional<ObjectInfo> object, objects.Next());
    if (!object) break;
    ++usage.object_count;
    usage.size_bytes += object->size_bytes;
  }
  if (usage.object_count == 0 && !uri.key.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no object begins with {}", FormatS3Uri(uri.bucket, uri.key)));
  }
  return usage;
}

Result<ExitCode> Du(CommandContext& context, const DuOptions& options) {
  std::vector<S3Uri> uris;
  for (const std::string& text : options.uris) {
    HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
    uris.push_back(std::move(uri));
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  for (const S3Uri& uri : uris) {
    const std::string shown = FormatS3Uri(uri.bucket, uri.key);
    HR_TRY_ASSIGN(const Usage usage, UsageOf(context, *store, uri));
    if (context.options().is_json) {
      const std::string line = JsonLine()
                                   .Add("uri", shown)
                                   .Add("objects", usage.object_count)
                                   .Add("size_bytes", usage.size_bytes)
                                   .Text();
      PrintLine(context.world().out, line);
      continue;
    }
    const std::string size =
        options.is_human_readable ? SizeText(usage.size_bytes) : std::to_string(usage.size_bytes);
    PrintShown(context.world().out,
               fmt::format("{:>14} {:>10} objects  {}", size, usage.object_count, shown));
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareDu(CLI::App& app) {
  auto options = std::make_shared<DuOptions>();
  app.add_option("PREFIX", options->uris, "Buckets or prefixes, as s3://BUCKET/PREFIX")->required();
  app.add_flag("-H,--human-readable", options->is_human_readable, "Sizes as 1.5 MiB");
  return [options](CommandContext& context) { return Du(context, *options); };
}

}  // namespace headrace::cli
