// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include <fmt/format.h>

#include "headrace/base/media_type.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/copy_job.h"
#include "headrace/cli/stream_io.h"
#include "headrace/deliver/file/read_in_order.h"
#include "headrace/deliver/file/upload_stream.h"

namespace headrace::cli {
namespace {

Status CheckStreamEnd(const CopyOptions& options, const Place& store_end, const char* stream) {
  if (options.is_recursive) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds one object: leave out --recursive", stream));
  }
  if (store_end.kind != Place::Kind::kStore || LastPart(store_end.uri.key).empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} needs s3://BUCKET/KEY on the other side", stream));
  }
  return Ok();
}

Result<ExitCode> UploadInput(CommandContext& context, const CopyOptions& options,
                             const S3Uri& target) {
  PutRequest request{.bucket = target.bucket,
                     .key = target.key,
                     .attributes = {},
                     .conditions = {},
                     .checksum = {}};
  if (options.guesses_content_type) request.attributes.content_type = MediaTypeOf(target.key);
  HR_TRY_ASSIGN(request.attributes, options.attributes.Over(std::move(request.attributes)));
  const Step step{.verb = "upload",
                  .source = "-",
                  .target = FormatS3Uri(target.bucket, target.key),
                  .size_bytes = 0};
  if (options.is_dry_run) {
    fmt::print(context.world().out, "{}\n",
               context.options().is_json ? StepJson(step, true, nullptr) : StepLine(step, true));
    return ExitCode::kSuccess;
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  TransferDisplay display(context, "cp",
                          {.shows_progress = options.shows_progress, .on_item_end = {}});
  file::UploadStreamOptions stream_options;
  if (options.expected_size_bytes > 0) {
    stream_options.expected_size_bytes = options.expected_size_bytes;
  }
  display.OnFound(0);
  const CallContext call = context.call();
  Result<PutResult> put = file::UploadStream(
      *store, context.loops(), request, ReaderOf(context.world().in, call.stop),
      [&display](uint64_t size_bytes) { display.OnBytes(size_bytes); }, call, stream_options);
  if (!put.has_value()) return display.Finish(std::move(put).error());
  display.OnDone(step);
  return display.Finish(std::nullopt);
}

Result<ExitCode> PrintObject(CommandContext& context, const S3Uri& source) {
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  HR_TRY(file::ReadInOrder(*store, context.loops(), source.bucket, source.key,
                           SinkOf(context.world().out), context.call(), fetch::FetchOptions{}));
  return ExitCode::kSuccess;
}

}  // namespace

Result<ExitCode> RunCopy(CommandContext& context, const CopyOptions& options) {
  HR_TRY_ASSIGN(Place source, ParsePlace(options.source));
  HR_TRY_ASSIGN(Place target, ParsePlace(options.target));
  const bool allows_streams = options.kind == CopyKind::kCopy;
  if (allows_streams && source.kind == Place::Kind::kStream) {
    HR_TRY(CheckStreamEnd(options, target, "standard input"));
    return UploadInput(context, options, target.uri);
  }
  if (allows_streams && target.kind == Place::Kind::kStream) {
    HR_TRY(CheckStreamEnd(options, source, "standard output"));
    return PrintObject(context, source.uri);
  }
  if (source.kind == Place::Kind::kStream || target.kind == Place::Kind::kStream) {
    return Fail(ErrorCode::kInvalidArgument, "- (a stream) is for cp alone");
  }
  if (source.kind == Place::Kind::kLocal && target.kind == Place::Kind::kLocal) {
    return Fail(ErrorCode::kInvalidArgument,
                "both sides are local paths: one of them must be s3://BUCKET/KEY");
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  CopyJob job(context, options, *store, std::move(source), std::move(target));
  return job.Run();
}

CommandAction DeclareCopy(CLI::App& app) {
  auto options = std::make_shared<CopyOptions>(app, CopyKind::kCopy);
  return [options](CommandContext& context) { return RunCopy(context, *options); };
}

CommandAction DeclareMove(CLI::App& app) {
  auto options = std::make_shared<CopyOptions>(app, CopyKind::kMove);
  return [options](CommandContext& context) { return RunCopy(context, *options); };
}

CommandAction DeclareSync(CLI::App& app) {
  auto options = std::make_shared<CopyOptions>(app, CopyKind::kSync);
  return [options](CommandContext& context) { return RunCopy(context, *options); };
}

}  // namespace headrace::cli
