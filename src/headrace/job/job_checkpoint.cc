// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_checkpoint.h"

#include <signal.h>

#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "headrace/base/clock.h"
#include "headrace/base/log.h"
#include "headrace/base/time_text.h"
#include "headrace/job/checkpoint_place.h"
#include "headrace/job/output_check.h"
#include "headrace/job/report_text.h"

namespace headrace::job {

Result<std::unique_ptr<JobCheckpoint>> JobCheckpoint::Make(const JobSpec& spec, ObjectStore& store,
                                                           EventLoops& loops,
                                                           const CheckpointOptions& options) {
  CheckpointPlace place{
      .prefix = {}, .folder = CheckpointFolder(spec), .deletes = spec.checkpoint.deletes};
  HR_TRY_ASSIGN(place.prefix, CheckpointPrefix(spec.checkpoint));
  return std::unique_ptr<JobCheckpoint>(new JobCheckpoint(std::move(place), store, loops, options));
}

std::string JobCheckpoint::Attempt() const {
  const S3Uri& prefix = sync_.place().prefix;
  return "checkpoint " + FormatS3Uri(prefix.bucket, prefix.key);
}

Status JobCheckpoint::CheckWritable(const CallContext& context) {
  S3Uri object = sync_.place().prefix;
  object.key += "checkpoint";  // No object of that name is made.
  return While(Attempt(), job::CheckWritable(object, store_, loops_, context));
}

Result<RestorePlan> JobCheckpoint::PlanRestore(const CallContext& context) {
  return While(Attempt(), sync_.PlanRestore(context));
}

Status JobCheckpoint::Restore(const CallContext& context, DownloadObserver* observer) {
  return While(Attempt(), sync_.Restore(context, RealClock().WallNow(), observer));
}

void JobCheckpoint::Begin(const SignalInbox& signals, const CheckpointTiming& timing,
                          InterruptionQuestion question, InterruptionTiming question_timing) {
  agent_.emplace(sync_, timing);
  if (!question) return;
  const auto on_notice = [this, &signals](const Interruption& notice) {
    Log(LogLevel::kWarning, "this machine is about to {} at {}: the command is asked to stop",
        notice.action, IsoTime(notice.at));
    agent_->Hurry();
    signals.Post(SIGTERM);
  };
  watch_.emplace(std::move(question), on_notice, question_timing);
}

std::optional<Interruption> JobCheckpoint::EndWatch() {
  return watch_ ? watch_->End() : std::nullopt;
}

Status JobCheckpoint::Finish(const CallContext& context, bool ended_by_signal) {
  Status finished = agent_->Finish(context, ended_by_signal);
  const CheckpointReport& seen = report();
  if (!seen.skipped.empty()) {
    Log(LogLevel::kWarning, "{}: left out what is no file: {}", Attempt(),
        fmt::join(seen.skipped, ", "));
  }
  if (ended_by_signal && finished && !seen.pending.empty()) {
    Log(LogLevel::kWarning,
        "{}: a signal ended the command, perhaps while it wrote; kept in {}: {}", Attempt(),
        sync_.place().folder, PendingText(seen));
  }
  if (finished && seen.problems.empty()) return Ok();
  std::string attempt = fmt::format("{}, kept in {}", Attempt(), sync_.place().folder);
  if (!seen.pending.empty()) attempt += ": " + PendingText(seen);
  if (!finished) return While(attempt, std::move(finished));
  return Fail(ErrorCode::kCorrupt,
              fmt::format("{}: {} files or folders cannot be uploaded: {}", attempt,
                          seen.problems.size(), seen.problems.front()));
}

}  // namespace headrace::job
