// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/run_job.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/find_program.h"
#include "headrace/base/log.h"
#include "headrace/base/task.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/job/augmented_files.h"
#include "headrace/job/config_files.h"
#include "headrace/job/directory_channel.h"
#include "headrace/job/disk_room.h"
#include "headrace/job/job_checkpoint.h"
#include "headrace/job/job_folder.h"
#include "headrace/job/job_rank.h"
#include "headrace/job/output_check.h"
#include "headrace/job/output_place.h"
#include "headrace/job/output_upload.h"
#include "headrace/job/report_text.h"
#include "headrace/job/run_report.h"
#include "headrace/job/stop_on_signal.h"
#include "headrace/job/validate_job.h"

namespace headrace::job {
namespace {

// One run. The steps are in the order of Run.
class JobRun {
 public:
  JobRun(const JobSpec& spec, const JobOptions& options, const JobWorld& world)
      : spec_(spec),
        options_(options),
        world_(world),
        environment_(TrainingEnvironment(spec, world.host, world.inherited)) {
    result_.report.name = spec.name;
  }

  JobResult Run() {
    const SystemTime started = world_.clock->WallNow();
    const Status ended = RunSteps();
    if (!ended) {
      result_.error = ended.error();
      if (folder_ && !options_.checks_only && result_.report.failure.empty()) {
        result_.report.failure = folder_->Failure(ended.error().message());
      }
    }
    if (folder_ && !options_.checks_only) {
      KeepReport({.started = started, .ended = world_.clock->WallNow(), .retries = {}});
    }
    return std::move(result_);
  }

 private:
  Status RunSteps() {
    HR_TRY(ValidateJob(spec_));
    HR_TRY(FindCommand());
    HR_TRY_ASSIGN(JobFolder folder, JobFolder::Take(spec_, options_.is_fresh));
    folder_.emplace(std::move(folder));
    if (!options_.checks_only) {
      folder_->RemoveOldReports();
      // Before the listings: it shares the memory of the moment it is made.
      HR_TRY_ASSIGN(ProcessGuard guard, ProcessGuard::Make());
      guard_.emplace(std::move(guard));
    }
    HR_TRY(Timed(result_.report.preparation_span, [this] {
      return Stoppable(
          "the command was not started; files that are complete are kept for the next run",
          options_.preparation, [this](const CallContext& context) { return Prepare(context); });
    }));
    if (options_.checks_only) return Ok();
    HR_TRY(RunCommand());
    StopOnSignal stop(*world_.signals, options_.process.stop_grace);
    const Status kept =
        Timed(result_.report.checkpoint_span, [&] { return FinishCheckpoint(stop); });
    if (!kept && kept.error().code() == ErrorCode::kCancelled) return kept;
    const Status uploaded = Timed(result_.report.outputs_span, [&] {
      const Status ended = UploadOutputs(CallContext{.deadline = {}, .stop = stop.token()});
      return Unstopped(
          stop, "the outputs may not be uploaded; they are kept in " + folder_->tree().base(),
          ended);
    });
    if (pipe_failure_) return std::unexpected(*pipe_failure_);
    HR_TRY(kept);
    return uploaded;
  }

  template <typename Step>
  Status Timed(std::chrono::nanoseconds& span, const Step& step) {
    const SteadyTime begin = world_.clock->Now();
    Status ended = step();
    span = world_.clock->Now() - begin;
    return ended;
  }

  void KeepReport(RunFacts facts) {
    if (world_.store_metrics != nullptr) facts.retries = RetriesByCause(*world_.store_metrics);
    const std::string text = RunReportText(spec_, result_, facts);
    const Status written = folder_->WriteReport(text);
    if (!written) Log(LogLevel::kWarning, "run report: {}", written.error().message());
    if (has_run_ && written) world_.say(ReportLine(folder_->tree().report_file(), facts.retries));
    // A store that took no outputs just now is not asked again.
    if (spec_.output_uri.empty() || !has_run_ || result_.error) return;
    const int exit_code = result_.exit_code;
    const Status uploaded =
        Stoppable("the run report is not uploaded",
                  Deadline::After(std::chrono::seconds(30), world_.clock->Now()),
                  [&](const CallContext& context) { return UploadReport(text, context); });
    result_.exit_code = exit_code;  // A signal now comes too late to say how the run ended.
    if (!uploaded) Log(LogLevel::kWarning, "run report: {}", uploaded.error().message());
  }

  Status UploadReport(const std::string& text, const CallContext& context) {
    HR_TRY_ASSIGN(S3Uri target, OutputFolderUri(spec_));
    PutRequest request{.bucket = target.bucket, .key = target.key + UploadedReportName(spec_)};
    request.attributes.content_type = "application/json";
    SpanSource body(AsBytes(text));
    HR_TRY(RunBlocking(world_.loops->Next(), world_.store->Put(request, body, context)));
    return Ok();
  }

  Status FindCommand() {
    auto found = FindProgram(spec_.command.front(), environment_.Get("PATH"));
    if (!found) {
      result_.exit_code =
          found.error().code() == ErrorCode::kNotFound ? kExitNotFound : kExitNotExecutable;
      return std::unexpected(std::move(found).error());
    }
    program_ = std::move(*found);
    return Ok();
  }

  // Runs a step that a signal or a deadline may stop; `consequence` says what that means.
  template <typename Step>
  Status Stoppable(std::string_view consequence, Deadline deadline, const Step& step) {
    StopOnSignal stop(*world_.signals);
    Status ended = step(CallContext{.deadline = deadline, .stop = stop.token()});
    const int signal = stop.End();
    if (signal == 0) {
      const bool is_out_of_time = !ended && ended.error().code() == ErrorCode::kTimedOut &&
                                  deadline.HasPassed(world_.clock->Now());
      if (!is_out_of_time) return ended;
      return While(fmt::format("not ready in time: {}", consequence), std::move(ended));
    }
    if (result_.exit_code == 0) result_.exit_code = kExitSignalBase + signal;
    return Fail(ErrorCode::kCancelled, fmt::format("{}: {}", SignalText(signal), consequence));
  }

  // What a step after the command ended with, behind the signal where one stopped it. A step that
  // was done within the signal's grace is done.
  Status Unstopped(const StopOnSignal& stop, std::string_view consequence, const Status& ended) {
    if (ended || !stop.token().stop_requested()) return ended;
    if (result_.exit_code == 0) result_.exit_code = kExitSignalBase + stop.signal();
    return Fail(ErrorCode::kCancelled, fmt::format("{}: {}: {}", SignalText(stop.signal()),
                                                   consequence, ended.error().message()));
  }

  Status Prepare(const CallContext& context) {
    if (!spec_.output_uri.empty()) {
      HR_TRY(CheckOutputPlace(spec_, *world_.store, *world_.loops, context));
    }
    HR_TRY(PlanChannels(context));
    HR_TRY(folder_->WriteConfig(spec_));
    HR_TRY(CheckRoom());
    HR_TRY(MakeCheckpoint(context));
    if (options_.checks_only) return SayWhatWasFound(context);
    if (options_.is_fresh) HR_TRY(folder_->RemoveOldOutputs());
    HR_TRY(RestoreCheckpoint(context));
    HR_TRY(BindDirectories());
    return DownloadChannels(context);
  }

  Status PlanChannels(const CallContext& context) {
    for (const ChannelSpec& channel : spec_.channels) {
      if (IsDirectoryUri(channel.s3_uri)) {
        HR_TRY_ASSIGN(DirectoryBinding binding,
                      PlanDirectory(channel, folder_->tree().Channel(channel.name)));
        bindings_.push_back(std::move(binding));
        continue;
      }
      ChannelPlace place{.folder = folder_->tree().Channel(channel.name), .rank = {}};
      // Who has all of the data needs no rank, and a launcher's wrong one does no harm.
      if (channel.distribution == Distribution::kShardedByS3Key) {
        HR_TRY_ASSIGN(place.rank,
                      While("channel " + channel.name, RankOf(spec_, world_.inherited)));
      }
      if (channel.mode == InputMode::kPipe) {
        HR_TRY(PlanPipe(channel, place.rank, context));
        continue;
      }
      if (channel.data_type == DataType::kAugmentedManifestFile) {
        HR_TRY(PlanAugmented(channel, place, context));
        continue;
      }
      HR_TRY_ASSIGN(FileChannel planned,
                    FileChannel::Plan(channel, place, *world_.store, *world_.loops,
                                      options_.sources, context));
      // The tree is held by this job alone: whoever wrote them is gone.
      file::RemovePartialFiles(place.folder, SystemTime::max());
      HR_TRY(planned.CheckFolder());
      channels_.push_back(std::move(planned));
    }
    return Ok();
  }

  plan::AugmentedManifestOptions AugmentedOptions() const {
    plan::AugmentedManifestOptions options = options_.augmented;
    options.checks_all = options.checks_all || options_.checks_only;
    return options;
  }

  Status PlanAugmented(const ChannelSpec& channel, const ChannelPlace& place,
                       const CallContext& context) {
    HR_TRY_ASSIGN(AugmentedFiles planned,
                  PlanAugmentedFiles(channel, place, *world_.store, *world_.loops,
                                     AugmentedOptions(), context));
    for (FileChannel& part : planned.channels) channels_.push_back(std::move(part));
    planned.channels.clear();
    manifests_.push_back(std::move(planned));
    return Ok();
  }

  Status SayWhatWasFound(const CallContext& context) const {
    for (const FileChannel& channel : channels_) {
      world_.say(CheckedLine(channel.name(), channel.report()));
    }
    if (pipes_) {
      for (const auto& channel : pipes_->channels()) {
        world_.say(CheckedPipeLine(channel->name(), channel->unit_count()));
      }
    }
    if (!checkpoint_) return Ok();
    HR_TRY_ASSIGN(const RestorePlan plan, checkpoint_->PlanRestore(context));
    world_.say(CheckedCheckpointLine(plan));
    return Ok();
  }

  // Mounted for the command alone, or else linked: docs/decisions/0031.
  Status BindDirectories() {
    if (bindings_.empty()) return Ok();
    const Status tried = TryBindings(bindings_);
    if (!tried) {
      HR_TRY_ASSIGN(links_, DirectoryLinks::Make(bindings_));
    }
    for (const DirectoryBinding& binding : bindings_) {
      world_.say(DirectoryLine(binding, /*is_mounted=*/tried.has_value()));
    }
    if (!tried) bindings_.clear();
    return Ok();
  }

  Status PlanPipe(const ChannelSpec& channel, plan::Rank rank, const CallContext& context) {
    const PipePlanOptions plan_options{.rank = rank,
                                       .folder = folder_->tree().data(),
                                       .sources = options_.sources,
                                       .augmented = AugmentedOptions()};
    HR_TRY_ASSIGN(PipeChannel planned,
                  PipeChannel::Plan(channel, plan_options, *world_.store, *world_.loops, context));
    if (!pipes_) pipes_.emplace(*world_.store, *world_.loops, options_.pipe, world_.store_faces);
    pipes_->Add(std::move(planned));
    return Ok();
  }

  // What the File channels lack of their objects.
  FileChannelReport Missing() const {
    FileChannelReport missing;
    for (const FileChannel& channel : channels_) {
      missing.objects += channel.report().objects - channel.report().objects_kept;
      missing.bytes += channel.report().bytes - channel.report().bytes_kept;
    }
    return missing;
  }

  Status CheckRoom() const {
    return job::CheckRoom("the channels", Missing().bytes, folder_->tree().data(),
                          "choose another --base");
  }

  // Of the run so far. File channels come one after the other, so what it grows by is theirs.
  uint64_t RetryCount() const {
    return world_.store_metrics != nullptr ? s3::RetryCount(*world_.store_metrics) : 0;
  }

  Status DownloadChannels(const CallContext& context) {
    if (channels_.empty() && manifests_.empty()) return Ok();
    HR_TRY(DownloadObjects(context));
    for (AugmentedFiles& channel : manifests_) HR_TRY(channel.CommitManifest());
    channels_.clear();  // Listings can be large, and the command needs the memory.
    return Ok();
  }

  Status DownloadObjects(const CallContext& context) {
    const FileChannelReport missing = Missing();
    const ObservedDownload observed(world_.observer, missing.objects, missing.bytes);
    file::Transfer transfer(*world_.store, *world_.loops, options_.transfer);
    for (FileChannel& channel : channels_) {
      const SteadyTime begin = world_.clock->Now();
      const uint64_t retries_before = RetryCount();
      HR_TRY(channel.Download(transfer, world_.observer, context));
      result_.report.channels.push_back({.name = channel.name(),
                                         .counts = channel.report(),
                                         .span = world_.clock->Now() - begin,
                                         .retries = RetryCount() - retries_before});
      world_.say(ChannelLine(result_.report.channels.back()));
    }
    return Ok();
  }

  Status MakeCheckpoint(const CallContext& context) {
    if (spec_.checkpoint.s3_uri.empty()) return Ok();
    HR_TRY_ASSIGN(checkpoint_,
                  JobCheckpoint::Make(spec_, *world_.store, *world_.loops, options_.checkpoint));
    return checkpoint_->CheckWritable(context);
  }

  Status RestoreCheckpoint(const CallContext& context) {
    if (!checkpoint_) return Ok();
    const SteadyTime begin = world_.clock->Now();
    const Status restored = checkpoint_->Restore(context, world_.observer);
    result_.report.checkpoint = checkpoint_->report();
    HR_TRY(restored);
    world_.say(RestoreLine(checkpoint_->report(), world_.clock->Now() - begin));
    return Ok();
  }

  Status FinishCheckpoint(const StopOnSignal& stop) {
    if (!checkpoint_) return Ok();
    Deadline deadline = Deadline::After(options_.checkpoint_timing.deadline, world_.clock->Now());
    if (interruption_) {
      const auto left = interruption_->at - world_.clock->WallNow();
      deadline = deadline.Earlier(Deadline::After(left, world_.clock->Now()));
    }
    const Status finished = Unstopped(
        stop, "checkpoints may not be uploaded",
        checkpoint_->Finish({.deadline = deadline, .stop = stop.token()}, ended_by_signal_));
    result_.report.checkpoint = checkpoint_->report();
    world_.say(CheckpointLine(checkpoint_->report()));
    return finished;
  }

  Status RunCommand() {
    ProcessOptions process = options_.process;
    if (pipes_) {
      HR_TRY(pipes_->Start(folder_->tree().data()));
      process.stop_fd = pipes_->stop_fd();
    }
    if (checkpoint_) {
      checkpoint_->Begin(*world_.signals, options_.checkpoint_timing, world_.interruption,
                         options_.interruption);
    }
    const SteadyTime begin = world_.clock->Now();
    process.bindings = bindings_;
    process.max_runtime = spec_.max_runtime;
    process.kept_fd = folder_->lock_fd();
    process.guard = &*guard_;
    auto end = RunProcess(program_, CommandWords(spec_), environment_, *world_.signals, process);
    if (pipes_) EndPipes();
    if (checkpoint_) interruption_ = checkpoint_->EndWatch();
    // A request to stop that the notice posted, or that repeats one the command has heard, has done
    // its work.
    const bool was_asked = interruption_ || (end && end->stop_signal != 0);
    while (was_asked && world_.signals->Take() != 0) continue;
    if (!end) {
      result_.exit_code = kExitNotExecutable;
      return std::unexpected(std::move(end).error());
    }
    has_run_ = true;
    ended_by_signal_ = end->signal != 0;
    result_.report.command_span = world_.clock->Now() - begin;
    result_.exit_code = end->exit_code;
    std::string reason = DescribeEnd(*end);
    if (pipe_failure_) {
      // The error says more than the code of a command that we stopped.
      result_.exit_code = 0;
      reason = pipe_failure_->message();
    }
    if (!reason.empty()) result_.report.failure = folder_->Failure(reason);
    world_.say(CommandLine(result_.report, *end));
    return Ok();
  }

  void EndPipes() {
    result_.report.pipes = pipes_->Stop();
    pipe_failure_ = pipes_->failure();
    for (const PipeChannelReport& channel : result_.report.pipes) world_.say(PipeLine(channel));
    pipes_.reset();
  }

  Status UploadOutputs(const CallContext& context) {
    if (spec_.output_uri.empty()) return Ok();
    const JobTree& tree = folder_->tree();
    const Status model = UploadOutput(tree.model(), {.archive = "model", .tree = "model"}, context);
    const Status data =
        UploadOutput(tree.output_data(), {.archive = "output", .tree = "data"}, context);
    HR_TRY(model);
    return data;
  }

  Status UploadOutput(const std::string& folder, const OutputUpload::Names& names,
                      const CallContext& context) {
    OutputReport& report = result_.report.outputs.emplace_back();
    OutputUpload upload(spec_, *world_.store, *world_.loops, options_.outputs);
    const Status uploaded = upload.Upload(folder, names, report, context);
    if (uploaded || !report.uri.empty()) world_.say(OutputLine(report));
    return uploaded;
  }

  const JobSpec& spec_;
  const JobOptions& options_;
  const JobWorld& world_;
  const Environment environment_;
  std::string program_;
  bool has_run_ = false;          // The command was started.
  bool ended_by_signal_ = false;  // Its last files may be cut short.
  std::optional<JobFolder> folder_;
  std::optional<ProcessGuard> guard_;  // None: no command is to run.
  std::vector<FileChannel> channels_;
  std::vector<AugmentedFiles> manifests_;   // Of channels_; for their manifests alone.
  std::vector<DirectoryBinding> bindings_;  // Empty once they are links.
  DirectoryLinks links_;
  std::optional<PipeDelivery> pipes_;
  std::optional<Error> pipe_failure_;
  std::unique_ptr<JobCheckpoint> checkpoint_;  // Null: the job has none.
  std::optional<Interruption> interruption_;
  JobResult result_;
};

}  // namespace

JobResult RunJob(const JobSpec& spec, const JobOptions& options, const JobWorld& world) {
  HR_CHECK(!NeedsStore(spec) || (world.store != nullptr && world.loops != nullptr));
  HR_CHECK(world.signals != nullptr);
  return JobRun(spec, options, world).Run();
}

}  // namespace headrace::job
