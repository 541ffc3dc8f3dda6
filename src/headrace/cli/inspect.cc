// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/base/unique_fd.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/input_stream.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/place.h"
#include "headrace/cli/print.h"
#include "headrace/cli/read_objects.h"
#include "headrace/format/record_stream.h"
#include "headrace/format/webdataset.h"

namespace headrace::cli {
namespace {

using format::RecordIoJoin;

struct InspectOptions {
  std::string source;
  std::string format;  // Empty: found from the first bytes.
  RecordIoJoin join = RecordIoJoin::kConcatenate;
  uint64_t limit = 0;  // Records; 0: all.
};

// Local bytes are read in pieces of this size.
constexpr size_t kPieceBytes = 1UL << 20U;

Status ReadStream(const std::function<Result<size_t>(std::span<std::byte>)>& read,
                  const ByteConsumer& consume) {
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    HR_TRY_ASSIGN(const size_t taken, read(piece));
    if (taken == 0) return Ok();
    HR_TRY_ASSIGN(const bool goes_on, consume(std::span(piece).first(taken)));
    if (!goes_on) return Ok();
  }
}

Status ReadFile(CommandContext& context, const std::string& path, const ByteConsumer& consume) {
  // A pipe that nobody writes to yet would keep open(2) from returning, whatever signal comes.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return std::unexpected(Error::FromErrno(errno, fmt::format("open {}", path)));
  InputStream in(file.get(), path, context.call());
  return ReadStream([&in](std::span<std::byte> target) { return in.Read(target); }, consume);
}

Status ReadPlace(CommandContext& context, const Place& place, const ByteConsumer& consume) {
  switch (place.kind) {
    case Place::Kind::kLocal:
      return ReadFile(context, place.path, consume);
    case Place::Kind::kStream: {
      InputStream in(context.world().in, context.call());
      return ReadStream([&in](std::span<std::byte> target) { return in.Read(target); }, consume);
    }
    case Place::Kind::kStore: {
      if (place.uri.key.empty()) {
        return Fail(ErrorCode::kInvalidArgument,
                    "it names no object; an object is s3://BUCKET/KEY");
      }
      HR_TRY_ASSIGN(ObjectStore * store, context.Store());
      return ReadObjects(context, *store, {place.uri}, consume);
    }
  }
  return Ok();
}

void PrintRecord(CommandContext& context, const format::Record& record) {
  std::FILE* out = context.world().out;
  if (!context.options().is_json) {
    PrintShown(out, fmt::format("{:>8} {:>14} {:>12}{}{}", record.index, record.offset_bytes,
                                record.size_bytes, record.name.empty() ? "" : " ", record.name));
    return;
  }
  JsonLine line;
  line.Add("index", record.index).Add("offset_bytes", record.offset_bytes);
  line.Add("size_bytes", record.size_bytes).AddIfAny("name", record.name);
  if (const auto sample = format::ParseSampleName(record.name)) {
    line.Add("sample", sample->key).Add("field", sample->field);
  }
  PrintLine(out, line.Text());
}

Result<ExitCode> Inspect(CommandContext& context, const InspectOptions& options) {
  HR_TRY_ASSIGN(const Place place, ParsePlace(options.source));
  uint64_t records = 0;
  uint64_t payload_bytes = 0;
  format::RecordStream stream(
      {.format = format::ParseRecordFormat(options.format),
       .join = options.join,
       // Tar, RecordIO and TFRecord pass through in constant memory, whatever a record's size.
       .reader = {.skips_payloads = true}},
      [&](const format::Record& record) -> Result<bool> {
        PrintRecord(context, record);
        ++records;
        payload_bytes += record.size_bytes;
        return records != options.limit;
      });
  const ByteConsumer consume = [&stream](std::span<const std::byte> bytes) {
    return stream.Add(bytes);
  };
  HR_TRY(While(options.source, ReadPlace(context, place, consume)));
  HR_TRY(While(options.source, stream.Finish()));
  if (!context.options().is_json && !context.options().is_quiet) {
    const bool ends_early = options.limit > 0 && records == options.limit;
    PrintLine(
        context.world().out,
        fmt::format("{}{}, {}{}{}{}", ends_early ? "the first " : "", CountText(records, "record"),
                    CountText(payload_bytes, "byte"), stream.format() ? ", " : "",
                    stream.format() ? format::RecordFormatName(*stream.format()) : "",
                    stream.is_gzipped() ? ", gzip" : ""));
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareInspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  app.add_option("SOURCE", options->source,
                 "s3://BUCKET/KEY, a file or a pipe, or - for standard input")
      ->required();
  app.add_option("--format", options->format, "What it is; without, its first bytes tell")
      ->check(OneOf({"recordio", "tfrecord", "tar", "lines"}))
      ->type_name("recordio|tfrecord|tar|lines");
  const std::map<std::string, RecordIoJoin> joins{{"concatenate", RecordIoJoin::kConcatenate},
                                                  {"dmlc", RecordIoJoin::kRestoreMagic}};
  app.add_option(
         "--join", options->join,
         "How RecordIO's records of several parts are joined: as SageMaker's readers do, or "
         "as dmlc's and MXNet's do")
      ->transform(CLI::CheckedTransformer(joins).description(""))
      ->type_name("concatenate|dmlc");
  app.add_option("--limit", options->limit, "Stop after so many records")
      ->transform(WholeNumber())
      ->type_name("COUNT");
  return [options](CommandContext& context) { return Inspect(context, *options); };
}

}  // namespace headrace::cli
