// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/media_type.h"
#include "headrace/base/unique_fd.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/copy_job.h"
#include "headrace/cli/input_stream.h"
#include "headrace/cli/print.h"
#include "headrace/cli/print_objects.h"
#include "headrace/cli/read_objects.h"
#include "headrace/cli/stream_target.h"
#include "headrace/deliver/file/multipart.h"
#include "headrace/deliver/file/stream_upload.h"
#include "headrace/store/s3_limits.h"

namespace headrace::cli {
namespace {

// A pipe holds 64 KiB unless told otherwise; a file gives as much as it is asked for.
constexpr size_t kInputBytes = 1U << 20U;

// What --dry-run does.
Result<ExitCode> OnlyTell(const CommandContext& context, const Step& step) {
  TransferDisplay display(context, "cp", {.shows_progress = false, .on_item_end = {}});
  display.OnWouldDo(step);
  return display.Finish(std::nullopt);
}

// That nobody reads its lines any more is no reason for a transfer to end with temporary files and
// open uploads left behind: it goes on as with a closed standard output.
void OutliveReader(const CommandContext& context) {
  if (context.world().stops_on_signals) std::signal(SIGPIPE, SIG_IGN);
}

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

// What is sent as it comes, its length unknown.
struct Input {
  int descriptor = -1;
  std::string name;   // In messages.
  std::string shown;  // As the command line names it.
};

// Says how many bytes there were.
Result<uint64_t> SendInput(CommandContext& context, ObjectStore& store, const Input& from,
                           const CreateMultipartRequest& request, const CopyOptions& options,
                           TransferDisplay& display) {
  file::StreamUploadOptions upload_options;
  const uint64_t stream_bytes_max = upload_options.memory_bytes_max * kPartCountMax;
  if (options.expected_size_bytes > stream_bytes_max) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("a stream of {} bytes is too long for one object: at most {} can be "
                            "sent without a file",
                            options.expected_size_bytes, stream_bytes_max));
  }
  upload_options.part_size_bytes =
      file::PartSizeFor(options.expected_size_bytes, upload_options.part_size_bytes);
  const CallContext call = context.call();
  file::StreamUpload upload(store, context.loops(), request, upload_options, call);
  InputStream input(from.descriptor, from.name, call);
  Buffer buffer(kInputBytes);
  while (true) {
    HR_TRY_ASSIGN(const size_t taken, input.Read(buffer.span()));
    if (taken == 0) break;
    HR_TRY(upload.Write(std::as_const(buffer).span().first(taken)));
    display.OnBytes(taken);
  }
  HR_TRY(upload.Finish());
  return upload.size_bytes();
}

Result<ExitCode> UploadInput(CommandContext& context, const CopyOptions& options, const Input& from,
                             const S3Uri& target) {
  CreateMultipartRequest request{
      .bucket = target.bucket, .key = target.key, .attributes = {}, .checksum_algorithm = {}};
  if (options.guesses_content_type) request.attributes.content_type = MediaTypeOf(target.key);
  HR_TRY_ASSIGN(request.attributes, options.attributes.Over(std::move(request.attributes)));
  Step step{.verb = "upload",
            .source = from.shown,
            .target = FormatS3Uri(target.bucket, target.key),
            .size_bytes = 0};
  if (options.is_dry_run) return OnlyTell(context, step);
  OutliveReader(context);
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  TransferDisplay display(context, "cp",
                          {.shows_progress = options.shows_progress, .on_item_end = {}});
  display.OnFound(0);
  Result<uint64_t> uploaded = SendInput(context, *store, from, request, options, display);
  if (!uploaded.has_value()) return display.Finish(std::move(uploaded).error());
  step.size_bytes = *uploaded;
  display.OnDone(step);
  return display.Finish(std::nullopt);
}

// A file that has other than as many bytes as it says: more than none, as those of /proc, or fewer,
// as those of /sys. Not open: it is another.
UniqueFd OpenFileOfUnknownSize(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return {};
  std::byte byte{};
  // Leaves the position where it is, at the first byte.
  const bool is_empty = status.st_size == 0;
  const ssize_t got = pread(file.get(), &byte, 1, is_empty ? 0 : status.st_size - 1);
  const bool is_as_it_says = is_empty ? got <= 0 : got != 0;
  if (is_as_it_says) return {};
  return file;
}

// Into a device or pipe, where no temporary file can take a name's place.
Result<ExitCode> DownloadIntoStream(CommandContext& context, const CopyOptions& options,
                                    const S3Uri& source, const std::string& path) {
  if (options.kind != CopyKind::kCopy) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a device or pipe: only cp writes into it", path));
  }
  const Step step{.verb = "download",
                  .source = FormatS3Uri(source.bucket, source.key),
                  .target = path,
                  .size_bytes = 0};
  if (options.is_dry_run) return OnlyTell(context, step);
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  const CallContext call = context.call();
  HR_TRY_ASSIGN(StreamTarget target, StreamTarget::Open(path, call));
  HR_TRY(
      ReadObjects(context, *store, {source}, [&](std::span<const std::byte> bytes) -> Result<bool> {
        HR_TRY(target.Write(bytes, call));
        return true;
      }));
  return ExitCode::kSuccess;
}

bool IsIntoStream(const CopyOptions& options, const Place& source, const Place& target) {
  return !options.is_recursive && source.kind == Place::Kind::kStore &&
         !LastPart(source.uri.key).empty() && target.kind == Place::Kind::kLocal &&
         IsStreamTarget(target.path);
}

}  // namespace

Result<ExitCode> RunCopy(CommandContext& context, const CopyOptions& options) {
  context.SetEngine(options.engine);
  HR_TRY_ASSIGN(Place source, ParsePlace(options.source));
  HR_TRY_ASSIGN(Place target, ParsePlace(options.target));
  // Told once and before anything moves, not once for each object.
  HR_TRY(options.attributes.Over({}));
  const bool allows_streams = options.kind == CopyKind::kCopy;
  if (allows_streams && source.kind == Place::Kind::kStream) {
    HR_TRY(CheckStreamEnd(options, target, "standard input"));
    const Input from{
        .descriptor = fileno(context.world().in), .name = "standard input", .shown = "-"};
    return UploadInput(context, options, from, target.uri);
  }
  if (allows_streams && target.kind == Place::Kind::kStream) {
    HR_TRY(CheckStreamEnd(options, source, "standard output"));
    if (options.is_dry_run) {
      return OnlyTell(context, {.verb = "download",
                                .source = FormatS3Uri(source.uri.bucket, source.uri.key),
                                .target = "-",
                                .size_bytes = 0});
    }
    HR_TRY_ASSIGN(ObjectStore * store, context.Store());
    HR_TRY(PrintObjects(context, *store, {source.uri}));
    return ExitCode::kSuccess;
  }
  if (source.kind == Place::Kind::kStream || target.kind == Place::Kind::kStream) {
    return Fail(ErrorCode::kInvalidArgument, "- (a stream) is for cp alone");
  }
  if (source.kind == Place::Kind::kLocal && target.kind == Place::Kind::kLocal) {
    return Fail(ErrorCode::kInvalidArgument,
                "both sides are local paths: one of them must be s3://BUCKET/KEY");
  }
  if (IsIntoStream(options, source, target)) {
    return DownloadIntoStream(context, options, source.uri, target.path);
  }
  if (allows_streams && !options.is_recursive && source.kind == Place::Kind::kLocal &&
      options.filters.Filter().Includes(LastPart(source.path))) {
    if (const UniqueFd file = OpenFileOfUnknownSize(source.path); file.is_open()) {
      const Input from{.descriptor = file.get(), .name = source.path, .shown = source.path};
      target.uri.key = SingleTargetKey(target.uri.key, LastPart(source.path));
      return UploadInput(context, options, from, target.uri);
    }
  }
  if (!options.is_dry_run) OutliveReader(context);
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
