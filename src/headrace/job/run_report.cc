// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/run_report.h"

#include <chrono>

#include <fmt/format.h>

#include "headrace/base/time_text.h"
#include "headrace/job/checkpoint_place.h"
#include "headrace/job/report_text.h"

namespace headrace::job {
namespace {

using nlohmann::json;

// Nothing was moved in no time.
double Rate(uint64_t amount, std::chrono::nanoseconds span) {
  return span.count() > 0 ? static_cast<double>(amount) / Seconds(span) : 0;
}

// Enough to act on; a report is to be read.
constexpr size_t kPendingShownMax = 1'000;

json TextOrNull(const std::string& text) { return text.empty() ? json() : json(text); }

json ChannelJson(const ChannelReport& channel) {
  const FileChannelReport& counts = channel.counts;
  const uint64_t objects = counts.objects - counts.objects_kept;
  const uint64_t bytes = counts.bytes - counts.bytes_kept;
  return {{"name", channel.name},
          {"mode", NameOf(InputMode::kFile)},
          {"objects", counts.objects},
          {"bytes", counts.bytes},
          {"objects_kept", counts.objects_kept},
          {"bytes_kept", counts.bytes_kept},
          {"download_seconds", Seconds(channel.span)},
          {"objects_per_second", Rate(objects, channel.span)},
          {"bytes_per_second", Rate(bytes, channel.span)},
          {"retries", channel.retries}};
}

json PipeJson(const PipeChannelReport& channel) {
  const pipe::PipeReport& counts = channel.counts;
  return {{"name", channel.name},
          {"mode", NameOf(InputMode::kPipe)},
          {"objects", counts.items},
          {"bytes", counts.bytes},
          {"epochs_opened", counts.epochs_opened},
          {"epochs_complete", counts.epochs_complete},
          {"open_seconds", Seconds(counts.open_span)},
          {"objects_per_second", Rate(counts.items, counts.open_span)},
          {"bytes_per_second", Rate(counts.bytes, counts.open_span)},
          {"script_waited_seconds", Seconds(counts.reader_waited)},
          {"waited_for_script_seconds", Seconds(counts.waited_for_reader)},
          {"retries", channel.retries}};
}

json CheckpointJson(const JobSpec& spec, const CheckpointReport& checkpoint) {
  json pending = json::array();
  for (const file::Entry& entry : checkpoint.pending) {
    if (pending.size() == kPendingShownMax) break;
    pending.push_back({{"path", entry.path}, {"bytes", entry.size_bytes}});
  }
  return {{"uri", spec.checkpoint.s3_uri},
          {"folder", CheckpointFolder(spec)},
          {"files_restored", checkpoint.files_restored},
          {"bytes_restored", checkpoint.bytes_restored},
          {"files_kept", checkpoint.files_kept},
          {"files_newer", checkpoint.files_newer},
          {"files_uploaded", checkpoint.files_uploaded},
          {"bytes_uploaded", checkpoint.bytes_uploaded},
          {"objects_deleted", checkpoint.objects_deleted},
          {"not_uploaded", std::move(pending)},
          {"problems", checkpoint.problems}};
}

json OutputJson(const OutputReport& output) {
  return {{"name", output.name},
          {"uri", TextOrNull(output.uri)},
          {"files", output.files},
          {"bytes", output.size_bytes},
          {"left_out", output.skipped}};
}

}  // namespace

json RunReport(const JobSpec& spec, const JobResult& result, const RunFacts& facts) {
  const JobReport& report = result.report;
  json channels = json::array();
  for (const ChannelReport& channel : report.channels) channels.push_back(ChannelJson(channel));
  for (const PipeChannelReport& channel : report.pipes) channels.push_back(PipeJson(channel));
  json outputs = json::array();
  for (const OutputReport& output : report.outputs) outputs.push_back(OutputJson(output));
  return {{"format", "headrace-run-report"},
          {"version", kRunReportVersion},
          {"job", spec.name},
          {"host", spec.current_host},
          {"hosts", spec.hosts},
          {"command", spec.command},
          {"started", IsoTime(facts.started)},
          {"ended", IsoTime(facts.ended)},
          {"seconds",
           {{"preparation", Seconds(report.preparation_span)},
            {"command", Seconds(report.command_span)},
            {"checkpoint", Seconds(report.checkpoint_span)},
            {"outputs", Seconds(report.outputs_span)}}},
          {"succeeded", result.exit_code == 0 && !result.error},
          {"exit_code", result.exit_code},
          {"failure", TextOrNull(report.failure)},
          {"error", result.error ? json(result.error->message()) : json()},
          {"channels", std::move(channels)},
          {"checkpoint", report.checkpoint ? CheckpointJson(spec, *report.checkpoint) : json()},
          {"outputs", std::move(outputs)},
          {"retries", facts.retries}};
}

std::string RunReportText(const JobSpec& spec, const JobResult& result, const RunFacts& facts) {
  return RunReport(spec, result, facts).dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::map<std::string, uint64_t> RetriesByCause(s3::S3Metrics& metrics) {
  std::map<std::string, uint64_t> retries;
  for (size_t cause = 0; cause < s3::kRetryCauses.size(); ++cause) {
    retries[std::string(s3::kRetryCauses[cause])] =
        metrics.counter(s3::S3Metric::kRetries, cause).value();
  }
  return retries;
}

std::string UploadedReportName(const JobSpec& spec) {
  if (spec.hosts.size() == 1) return "headrace-report.json";
  return fmt::format("headrace-report-{}.json", spec.current_host);
}

}  // namespace headrace::job
