// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "headrace/base/random.h"
#include "headrace/cli/bench_report.h"
#include "headrace/cli/bench_run.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/engine_options.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/print.h"
#include "headrace/plan/list_prefix.h"
#include "headrace/plan/listing_file.h"
#include "headrace/plan/manifest_objects.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {
namespace {

struct BenchOptions {
  std::string source;
  std::string listing_path;
  bool is_manifest = false;
  std::string mode = "memory";
  std::string target;
  std::string page_path;
  BenchOrder order;
  BenchLoop loop;
  double step_ms = 0;
  bool hashes = false;
  EngineSettings engine;
  double hedge_share = fetch::FetchOptions().hedge_share_max;
};

Status CheckOptions(const BenchOptions& options) {
  const bool is_file = options.mode == "file";
  if (!is_file && !options.target.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--target is for --mode file");
  }
  if (is_file && options.order.range_size_bytes > 0) {
    return Fail(ErrorCode::kInvalidArgument, "--range-size is for --mode memory");
  }
  if (is_file && options.hashes) {
    return Fail(ErrorCode::kInvalidArgument,
                "--hash is for --mode memory; hash the files below --target instead");
  }
  return Ok();
}

struct Source {
  std::string bucket;
  plan::Listing listing;
};

Result<Source> SourceOf(CommandContext& context, ObjectStore& store, const S3Uri& uri,
                        const BenchOptions& options) {
  const CallContext call = context.call();
  Source source{.bucket = uri.bucket};
  if (options.is_manifest) {
    const plan::ManifestOptions limits;
    HR_TRY_ASSIGN(const plan::Manifest manifest,
                  plan::ReadManifest(store, context.loops(), uri, limits, call));
    source.bucket = manifest.bucket();
    HR_TRY_ASSIGN(source.listing,
                  plan::ListManifest(store, context.loops(), manifest, limits, call));
  } else if (!options.listing_path.empty()) {
    HR_TRY_ASSIGN(source.listing, plan::LoadListing(options.listing_path));
  } else {
    HR_TRY_ASSIGN(source.listing,
                  plan::ListPrefix(store, context.loops(),
                                   {.bucket = uri.bucket, .prefix = uri.key}, {}, call));
  }
  return source;
}

// A folder that disappears with this.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_((std::filesystem::temp_directory_path() / ("headrace-bench-" + RandomHex(8)))) {}
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

Result<BenchResult> RunMode(CommandContext& context, const BenchWorld& world,
                            const BenchReads& reads, const BenchOptions& options) {
  if (options.mode == "memory") {
    fetch::FetchOptions fetching = context.fetching();
    fetching.hedge_share_max = options.hedge_share;
    return RunMemoryBench(world, reads, fetching, options.loop);
  }
  const file::TransferOptions transfer = TransferOptionsFor(context);
  if (!options.target.empty())
    return RunFileBench(world, reads, transfer, options.target, options.loop);
  const ScratchFolder scratch;
  return RunFileBench(world, reads, transfer, scratch.path(), options.loop);
}

Status WritePage(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return std::unexpected(Error::FromErrno(errno, "create " + path));
  const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int written_errno = errno;
  if (std::fclose(file) != 0) return std::unexpected(Error::FromErrno(errno, "write " + path));
  if (!is_written) return std::unexpected(Error::FromErrno(written_errno, "write " + path));
  return Ok();
}

Status Tell(const CommandContext& context, const BenchReport& report, const BenchOptions& options) {
  const bool is_json = context.options().is_json;
  std::string text = is_json ? BenchJson(report) : BenchTable(report);
  while (text.ends_with('\n')) text.pop_back();
  PrintLine(context.world().out, text);
  if (options.page_path.empty()) return Ok();
  return WritePage(options.page_path, BenchPage(report));
}

Result<ExitCode> Bench(CommandContext& context, const BenchOptions& options) {
  HR_TRY(CheckOptions(options));
  context.SetEngine(options.engine);
  HR_TRY_ASSIGN(const S3Uri uri, ParseS3Uri(options.source));
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  const CallContext call = context.call();
  const BenchWorld world{*store, context.loops(), *context.world().clock, call};

  BenchReport report{.source = options.source, .mode = options.mode};
  report.loop_count = context.loops().count();
  report.batch_size = options.loop.batch_size;
  const SteadyTime begin = world.clock.Now();
  HR_TRY_ASSIGN(Source source, SourceOf(context, *store, uri, options));
  report.listing = world.clock.Now() - begin;
  const BenchReads reads(std::move(source.bucket), std::move(source.listing), options.order);
  if (reads.size() == 0) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no object begins with {}", FormatS3Uri(uri.bucket, uri.key)));
  }

  const s3::S3Metrics& store_counts = *context.options().s3.metrics;
  const MetricsSnapshot counted_before = store_counts.Snapshot();
  HR_TRY_ASSIGN(report.result, RunMode(context, world, reads, options));
  AddCountsSince(counted_before, store_counts.Snapshot(), report.result.engine);
  if (options.hashes) {
    HR_TRY_ASSIGN(report.digest, DigestOfReads(world, reads, context.fetching()));
  }
  HR_TRY(Tell(context, report, options));
  const BenchArrivals& arrivals = report.result.arrivals;
  if (!arrivals.first_failure) return ExitCode::kSuccess;
  PrintShown(context.world().err,
             fmt::format("headrace bench: {} of {} samples failed; the first: {}",
                         arrivals.samples_failed, reads.size(), arrivals.first_failure->message()));
  return ExitCode::kPartial;
}

}  // namespace

CommandAction DeclareBench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  app.add_option("SOURCE", options->source, "s3://BUCKET or s3://BUCKET/PREFIX")->required();
  CLI::Option* manifest = app.add_flag("--manifest", options->is_manifest,
                                       "SOURCE is a ManifestFile that names the objects");
  app.add_option("--listing", options->listing_path,
                 "What ls --recursive --json printed: read these objects of the bucket and list "
                 "nothing")
      ->type_name("FILE")
      ->excludes(manifest);
  app.add_option("--mode", options->mode, "memory (default) or file")
      ->check(OneOf({"memory", "file"}))
      ->type_name("MODE");
  app.add_option("--target", options->target,
                 "Keep the files of --mode file here (default: a temporary folder)")
      ->type_name("FOLDER");
  app.add_option("--range-size", options->order.range_size_bytes,
                 "Read random ranges of this size instead of whole objects (256KiB)")
      ->transform(Size())
      ->type_name("SIZE");
  app.add_option("--reads", options->order.read_count, "How many ranges (default: 10000)")
      ->type_name("COUNT")
      ->transform(WholeNumberFrom(1));
  app.add_option("--seed", options->order.seed, "Of the ranges and of --shuffle (default: 1)")
      ->transform(WholeNumber())
      ->type_name("NUMBER");
  app.add_flag("--shuffle", options->order.is_shuffled, "Objects in shuffled order");
  app.add_option("--batch-size", options->loop.batch_size, "Samples a step (default: 32)")
      ->type_name("COUNT")
      ->transform(WholeNumberFrom(1));
  app.add_option("--step-ms", options->step_ms,
                 "How long a step computes (default: 0, an empty step)")
      ->check(NumberFrom(0, 3'600'000))
      ->type_name("MILLISECONDS");
  app.add_flag("--hash", options->hashes, "Read once more, in order, and print a digest of it all");
  DeclareEngineOptions(app, options->engine);
  app.add_option("--hedge-share", options->hedge_share,
                 "With --mode memory: second requests for late ones, at most so many for each "
                 "request, 0 to 1; 0: none")
      ->type_name("SHARE")
      ->capture_default_str()
      ->check(NumberFrom(0, 1));
  app.add_option("--html", options->page_path, "Write a page with plots")->type_name("FILE");
  return [options](CommandContext& context) {
    options->loop.step_time = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double, std::milli>(options->step_ms));
    return Bench(context, *options);
  };
}

}  // namespace headrace::cli
