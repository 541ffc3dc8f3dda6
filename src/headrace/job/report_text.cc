// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/report_text.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "headrace/base/text.h"
#include "headrace/job/directory_binding.h"
#include "headrace/job/run_job.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

std::string SecondsText(std::chrono::nanoseconds span) {
  return fmt::format("{:.2f} s", Seconds(span));
}

namespace {

std::string RateText(uint64_t objects, uint64_t bytes, std::chrono::nanoseconds span) {
  const double seconds = std::max(Seconds(span), 1e-9);
  return fmt::format(" ({:.0f} objects/s, {}/s)", static_cast<double>(objects) / seconds,
                     SizeText(static_cast<uint64_t>(static_cast<double>(bytes) / seconds)));
}

// Empty for none.
std::string RetriesText(uint64_t retries) {
  return retries > 0 ? fmt::format(", {} sent again", CountText(retries, "request")) : "";
}

}  // namespace

std::string CheckedLine(const std::string& channel, const FileChannelReport& counts) {
  return fmt::format("channel {}: {}, {}; {} of them already there", channel,
                     CountText(counts.objects, "object"), SizeText(counts.bytes),
                     counts.objects_kept);
}

std::string CheckedPipeLine(const std::string& channel, uint64_t unit_count) {
  return fmt::format("channel {}: {} objects or lines in an epoch, over all ranks", channel,
                     unit_count);
}

std::string CheckedCheckpointLine(const RestorePlan& plan) {
  std::string line = fmt::format("checkpoint: {} to restore, {}; {} already there",
                                 CountText(plan.missing.size(), "file"),
                                 SizeText(plan.missing_bytes), plan.files_kept());
  if (plan.files_newer == 0) return line;
  return line + fmt::format(", {} newer than in the store ({}, for one)", plan.files_newer,
                            plan::ShownKey(plan.first_newer));
}

std::string ChannelLine(const ChannelReport& channel) {
  const FileChannelReport& counts = channel.counts;
  const uint64_t objects = counts.objects - counts.objects_kept;
  const uint64_t bytes = counts.bytes - counts.bytes_kept;
  std::string line =
      fmt::format("channel {}: {}, {} downloaded in {}", channel.name, CountText(objects, "object"),
                  SizeText(bytes), SecondsText(channel.span));
  if (objects > 0) line += RateText(objects, bytes, channel.span);
  if (counts.objects_kept > 0) {
    line += fmt::format(", {}, {} already there", CountText(counts.objects_kept, "object"),
                        SizeText(counts.bytes_kept));
  }
  return line + RetriesText(channel.retries);
}

std::string DirectoryLine(const DirectoryBinding& binding, bool is_mounted) {
  const std::string line = fmt::format("{} is {} {}", binding.target,
                                       is_mounted ? "a mount of" : "a link to", binding.directory);
  if (binding.is_writable) return line + ", read-write";
  if (is_mounted) return line + ", read-only";
  return line + "; without the right to mount, nothing keeps the command from writing there";
}

std::string PipeLine(const PipeChannelReport& channel) {
  const pipe::PipeReport& counts = channel.counts;
  if (counts.epochs_opened == 0) {
    return fmt::format("channel {}: the command opened no epoch", channel.name);
  }
  return fmt::format(
      "channel {}: {} opened, {} written to the end, {}, {}{}{}; the command waited {} for data, "
      "the data {} for the command; next is {}:{}",
      channel.name, CountText(counts.epochs_opened, "epoch"), counts.epochs_complete,
      CountText(counts.items, "object"), SizeText(counts.bytes),
      counts.items > 0 ? RateText(counts.items, counts.bytes, counts.open_span) : "",
      RetriesText(channel.retries), SecondsText(counts.reader_waited),
      SecondsText(counts.waited_for_reader), channel.next.epoch, channel.next.position);
}

std::string CommandLine(const JobReport& report, const ProcessEnd& end) {
  const std::string span = SecondsText(report.command_span);
  if (end.exit_code == 0) return fmt::format("command completed in {}", span);
  std::string line = fmt::format("command failed with code {} after {}", end.exit_code, span);
  // What only says the code again is left out. The reason may have been written by the command: one
  // line of it is enough here.
  if (report.failure == ExitText(end.exit_code)) return line;
  return line + ": " + report.failure.substr(0, report.failure.find('\n'));
}

std::string RestoreLine(const CheckpointReport& checkpoint, std::chrono::nanoseconds span) {
  std::string line =
      fmt::format("checkpoint: {}, {} restored in {}", CountText(checkpoint.files_restored, "file"),
                  SizeText(checkpoint.bytes_restored), SecondsText(span));
  if (checkpoint.files_kept > 0) line += fmt::format(", {} already there", checkpoint.files_kept);
  if (checkpoint.files_newer > 0) {
    line += fmt::format(", {} kept that are newer than in the store", checkpoint.files_newer);
  }
  return line;
}

std::string CheckpointLine(const CheckpointReport& checkpoint) {
  std::string line =
      fmt::format("checkpoint: {}, {} uploaded", CountText(checkpoint.files_uploaded, "file"),
                  SizeText(checkpoint.bytes_uploaded));
  if (checkpoint.objects_deleted > 0) {
    line += fmt::format(", {} deleted", CountText(checkpoint.objects_deleted, "object"));
  }
  if (!checkpoint.pending.empty()) {
    line += "; " + PendingText(checkpoint);
  }
  return line;
}

std::string PendingText(const CheckpointReport& report) {
  constexpr size_t kShownMax = 10;
  uint64_t bytes = 0;
  for (const file::Entry& entry : report.pending) bytes += entry.size_bytes;
  std::string text = fmt::format("{} ({}) not uploaded: ", CountText(report.pending.size(), "file"),
                                 SizeText(bytes));
  for (size_t i = 0; i < std::min(kShownMax, report.pending.size()); ++i) {
    const file::Entry& entry = report.pending[i];
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", entry.path, SizeText(entry.size_bytes));
  }
  if (report.pending.size() > kShownMax) {
    text += fmt::format(" and {} more", report.pending.size() - kShownMax);
  }
  return text;
}

std::string ReportLine(const std::string& path, const std::map<std::string, uint64_t>& retries) {
  std::string causes;
  uint64_t sum = 0;
  for (const auto& [cause, count] : retries) {
    if (count > 0) causes += fmt::format("{}{} {}", sum == 0 ? "" : ", ", count, cause);
    sum += count;
  }
  std::string line = "report: " + path;
  if (sum > 0) line += fmt::format("; {} sent again ({})", CountText(sum, "request"), causes);
  return line;
}

std::string OutputLine(const OutputReport& output) {
  if (output.uri.empty())
    return fmt::format("{}: nothing to upload, the folder is empty", output.name);
  std::string line =
      fmt::format("{}: {} at {}", output.name, SizeText(output.size_bytes), output.uri);
  if (!output.skipped.empty()) {
    line += fmt::format(" (left out, no files: {})", fmt::join(output.skipped, ", "));
  }
  return line;
}

}  // namespace headrace::job
