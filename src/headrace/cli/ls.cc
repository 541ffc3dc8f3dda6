// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/human_text.h"
#include "headrace/cli/place.h"
#include "headrace/cli/print.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/plan/page_check.h"

namespace headrace::cli {
namespace {

struct LsOptions {
  std::string uri;
  bool is_recursive = false;
  bool is_human_readable = false;
  bool summarizes = false;
};

// Prints one listing and counts what it printed.
class ListingPrinter {
 public:
  ListingPrinter(const CommandContext& context, const LsOptions& options)
      : out_(context.world().out), is_json_(context.options().is_json), options_(options) {}

  uint64_t count() const { return object_count_ + prefix_count_; }

  void PrintBucket(const BucketInfo& bucket) {
    if (is_json_) {
      Print(JsonLine().Add("bucket", bucket.name).Add("created", IsoTime(bucket.created)).Text());
    } else {
      Print(fmt::format("{} {}", LocalTimeText(bucket.created), bucket.name));
    }
  }

  void PrintPrefix(const std::string& prefix, size_t shown_from) {
    ++prefix_count_;
    if (is_json_) {
      Print(JsonLine().Add("prefix", prefix).Text());
    } else {
      // As wide as a time and a size.
      Print(fmt::format("{:>30} {}", "PRE", std::string_view(prefix).substr(shown_from)));
    }
  }

  void PrintObject(const ObjectInfo& object, size_t shown_from) {
    ++object_count_;
    size_bytes_ += object.size_bytes;
    if (is_json_) {
      JsonLine line;
      line.Add("key", object.key).Add("size_bytes", object.size_bytes);
      line.Add("modified", IsoTime(object.modified)).AddIfAny("etag", object.etag);
      line.AddIfAny("storage_class", object.storage_class);
      Print(line.Text());
      return;
    }
    const std::string size = Size(object.size_bytes);
    Print(fmt::format("{} {:>10} {}", LocalTimeText(object.modified), size,
                      std::string_view(object.key).substr(shown_from)));
  }

  void PrintSummary() {
    if (!options_.summarizes) return;
    if (is_json_) {
      Print(JsonLine().Add("objects", object_count_).Add("total_size_bytes", size_bytes_).Text());
    } else {
      PrintLine(out_, fmt::format("\nTotal objects: {}\n   Total size: {}", object_count_,
                                  Size(size_bytes_)));
    }
  }

 private:
  std::string Size(uint64_t size_bytes) const {
    return options_.is_human_readable ? SizeText(size_bytes) : std::to_string(size_bytes);
  }
  void Print(std::string_view line) {
    if (is_json_) {
      PrintLine(out_, line);
    } else {
      PrintShown(out_, line);
    }
  }

  std::FILE* out_;
  bool is_json_;
  const LsOptions& options_;
  uint64_t object_count_ = 0;
  uint64_t prefix_count_ = 0;
  uint64_t size_bytes_ = 0;
};

Status ListBuckets(CommandContext& context, ObjectStore& store, ListingPrinter& printer) {
  const CallContext call = context.call();
  HR_TRY_ASSIGN(const std::vector<BucketInfo> buckets, context.Run(store.ListBuckets(call)));
  for (const BucketInfo& bucket : buckets) printer.PrintBucket(bucket);
  return Ok();
}

Status ListLevel(CommandContext& context, ObjectStore& store, const S3Uri& uri,
                 ListingPrinter& printer) {
  const size_t shown_from = uri.key.size() - LastPart(uri.key).size();
  const CallContext call = context.call();
  ListRequest request{.bucket = uri.bucket,
                      .prefix = uri.key,
                      .delimiter = "/",
                      .start_after = {},
                      .continuation_token = {}};
  plan::PageTrail trail;
  do {
    HR_TRY_ASSIGN(ListPage page, context.Run(store.List(request, call)));
    HR_TRY(plan::CheckPage(request, page, trail));
    for (const std::string& prefix : page.common_prefixes) printer.PrintPrefix(prefix, shown_from);
    for (const ObjectInfo& object : page.objects) printer.PrintObject(object, shown_from);
    request.continuation_token = std::move(page.next_token);
  } while (!request.continuation_token.empty());
  return Ok();
}

Status ListEverything(CommandContext& context, ObjectStore& store, const S3Uri& uri,
                      ListingPrinter& printer) {
  plan::PrefixStream objects(store, context.loops(), {.bucket = uri.bucket, .prefix = uri.key},
                             plan::ListOptions{}, context.call());
  while (true) {
    HR_TRY_ASSIGN(const std::optional<ObjectInfo> object, objects.Next());
    if (!object) return Ok();
    printer.PrintObject(*object, 0);
  }
}

Result<ExitCode> Ls(CommandContext& context, const LsOptions& options) {
  std::optional<S3Uri> uri;
  if (!options.uri.empty() && options.uri != "s3://") {
    HR_TRY_ASSIGN(uri, ParseS3Uri(options.uri));
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  ListingPrinter printer(context, options);
  if (!uri) {
    HR_TRY(ListBuckets(context, *store, printer));
    return ExitCode::kSuccess;
  }
  if (options.is_recursive) {
    HR_TRY(ListEverything(context, *store, *uri, printer));
  } else {
    HR_TRY(ListLevel(context, *store, *uri, printer));
  }
  if (printer.count() == 0 && !uri->key.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no object begins with {}", FormatS3Uri(uri->bucket, uri->key)));
  }
  printer.PrintSummary();
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareLs(CLI::App& app) {
  auto options = std::make_shared<LsOptions>();
  app.add_option("PREFIX", options->uri, "s3://BUCKET or s3://BUCKET/PREFIX; without it, buckets");
  app.add_flag("-r,--recursive", options->is_recursive, "Every object, not one level");
  app.add_flag("-H,--human-readable", options->is_human_readable, "Sizes as 1.5 MiB");
  app.add_flag("--summarize", options->summarizes, "Count and total size at the end");
  return [options](CommandContext& context) { return Ls(context, *options); };
}

}  // namespace headrace::cli
