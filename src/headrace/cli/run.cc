// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "headrace/cli/commands.h"
#include "headrace/cli/engine_options.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/print.h"
#include "headrace/cli/run_progress.h"
#include "headrace/cli/signal_forwarding.h"
#include "headrace/job/channel_options.h"
#include "headrace/job/checkpoint_agent.h"
#include "headrace/job/config_files.h"
#include "headrace/job/host_facts.h"
#include "headrace/job/job_file.h"
#include "headrace/job/job_flags.h"
#include "headrace/job/job_rank.h"
#include "headrace/job/run_job.h"
#include "headrace/job/validate_job.h"
#include "headrace/store/s3/instance_notices.h"
#include "headrace/store/s3/s3_store.h"

namespace headrace::cli {
namespace {

struct RunFlags {
  job::JobFlags job;
  EngineSettings engine;
  std::vector<std::string> job_files;  // Words before the dashes: one, or a mistake.
  std::string resource_config;
  double stop_grace_seconds = 0;
  job::CheckpointTiming checkpoint_timing;
  bool is_fresh = false;
  bool checks_only = false;
  bool shows_progress = true;
};

// People forget the dashes: "headrace run python3 train.py".
Status CheckJobFiles(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.ends_with(".toml")) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no job file (NAME.toml); write the command after --", word));
  }
  if (words.size() <= 1) return Ok();
  return Fail(ErrorCode::kInvalidArgument, "a job has one job file");
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece{};
  while (file) {
    file.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<size_t>(file.gcount()));
  }
  // Its end fails it, too: what cannot be opened or read has none.
  if (!file.eof()) return std::unexpected(Error::FromErrno(errno, "read " + path));
  return text;
}

Result<std::string> AbsolutePath(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failure);
  if (failure) return std::unexpected(Error::FromErrno(failure.value(), "find folder " + path));
  std::string text = absolute.lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// How the job hears that this machine is to be taken away; null where nobody would tell.
Result<job::InterruptionQuestion> MakeInterruptionQuestion(const CommandWorld& world,
                                                           EventLoops& loops) {
  HR_TRY_ASSIGN(std::unique_ptr<s3::InstanceNotices> made,
                s3::InstanceNotices::Make(world.environment));
  if (!made) return job::InterruptionQuestion();
  const std::shared_ptr<s3::InstanceNotices> notices = std::move(made);
  return [notices, &loops](const CallContext& call) -> Result<std::optional<job::Interruption>> {
    HR_TRY_ASSIGN(auto planned, RunBlocking(loops.Next(), notices->Ask(call)));
    if (!planned) return std::nullopt;
    return job::Interruption{.action = std::move(planned->action), .at = planned->at};
  };
}

Result<job::JobSpec> DescribeJob(const RunFlags& flags, const CommandContext& context) {
  job::JobSpec spec;
  job::JobFlags job_flags = flags.job;
  job_flags.command = context.options().trailing;
  HR_TRY(CheckJobFiles(flags.job_files));
  for (const std::string& path : flags.job_files) {
    HR_TRY_ASSIGN(const std::string text, ReadText(path));
    HR_TRY_ASSIGN(spec, job::ParseJobFile(text, path, std::move(spec)));
  }
  if (!flags.resource_config.empty()) {
    HR_TRY_ASSIGN(const std::string text, ReadText(flags.resource_config));
    HR_TRY(While(flags.resource_config, job::ApplyResourceConfig(text, spec)));
  }
  HR_TRY_ASSIGN(spec, job::ApplyFlags(job_flags, std::move(spec)));
  if (spec.name.empty()) {
    spec.name = job::DefaultJobName(spec.command, context.world().clock->WallNow());
  }
  const Environment& environment = context.world().environment;
  HR_TRY(job::ExpandRank(environment, spec));
  HR_TRY_ASSIGN(spec.base_directory, AbsolutePath(spec.base_directory));
  if (!spec.checkpoint.folder.empty()) {
    HR_TRY_ASSIGN(spec.checkpoint.folder, AbsolutePath(spec.checkpoint.folder));
  }
  const std::string& region = context.options().s3.region;
  spec.region = region.empty() ? std::string(environment.Get("AWS_REGION")) : region;
  spec.endpoint_url = context.options().s3.endpoint_url;
  return spec;
}

Result<ExitCode> RunTraining(const RunFlags& flags, CommandContext& context) {
  HR_TRY_ASSIGN(const job::JobSpec spec, DescribeJob(flags, context));
  HR_TRY(job::ValidateJob(spec));
  context.SetEngine(flags.engine);
  HR_TRY_ASSIGN(const job::SignalInbox inbox, job::SignalInbox::Make());
  const SignalForwarding forwarding(inbox);
  const CommandWorld& world = context.world();
  job::JobWorld job_world{.signals = &inbox,
                          .clock = world.clock,
                          .host = job::LookAtHost(world.environment),
                          .inherited = world.environment};
  if (job::NeedsStore(spec)) {
    HR_TRY_ASSIGN(job_world.store, context.Store());
    job_world.loops = &context.loops();
  }
  job_world.store_metrics = context.options().s3.metrics.get();
  // Tests run jobs on other stores, which send nothing again.
  if (const auto* store = dynamic_cast<const s3::S3Store*>(job_world.store)) {
    job_world.store_faces = [store](std::shared_ptr<s3::S3Metrics> metrics) {
      return store->CountedIn(std::move(metrics));
    };
  }
  if (!spec.checkpoint.s3_uri.empty()) {
    HR_TRY_ASSIGN(job_world.interruption, MakeInterruptionQuestion(world, context.loops()));
  }
  RunProgress progress(world);
  if (!context.options().is_quiet) {
    job_world.say = [&progress](std::string_view line) { progress.Say(line); };
    if (flags.shows_progress && !context.options().is_debug) job_world.observer = &progress;
  }
  job::JobOptions options{.transfer = TransferOptionsFor(context),
                          .preparation = context.call().deadline,
                          .checks_only = flags.checks_only,
                          .is_fresh = flags.is_fresh};
  const fetch::FetchOptions fetching = context.fetching();
  if (context.has_own_memory()) options.pipe.fetch.memory = fetching.memory;
  options.pipe.fetch.requests_in_flight_max = fetching.requests_in_flight_max;
  options.pipe.fetch.target_bytes_per_second = fetching.target_bytes_per_second;
  options.pipe.fetch.verify_checksums = fetching.verify_checksums;
  options.process.stop_grace =
      std::chrono::milliseconds(static_cast<int64_t>(flags.stop_grace_seconds * 1000));
  options.checkpoint_timing = flags.checkpoint_timing;
  const job::JobResult result = job::RunJob(spec, options, job_world);
  if (!result.error) return static_cast<ExitCode>(result.exit_code);
  if (result.exit_code == 0) return std::unexpected(*result.error);
  PrintShown(world.err, fmt::format("headrace run: {}", result.error->message()));
  return static_cast<ExitCode>(result.exit_code);
}

void DeclareInputs(CLI::App& app, RunFlags& flags) {
  // An option's value is one word: what follows belongs to the command.
  const auto add_list = [&](const std::string& name, std::vector<std::string>& target,
                            const std::string& help, const std::string& form) {
    app.add_option(name, target, help)->type_name(form)->allow_extra_args(false);
  };
  add_list(
      "--channel", flags.job.channels,
      fmt::format(
          "An input; may be given up to 20 times. Its options: {}. docs/channels.md tells what "
          "they take",
          job::kChannelOptionNames),
      "NAME=URI[,OPTION=VALUE]...");
  add_list("--resume", flags.job.resume,
           "Where a Pipe channel goes on; its name may be left out where there is one",
           "[CHANNEL=]EPOCH:POSITION");
  add_list("--hyperparameter", flags.job.hyperparameters,
           "Into hyperparameters.json and SM_HP_NAME", "NAME=VALUE");
  app.add_flag("--pass-hyperparameters", flags.job.passes_hyperparameters,
               "Append them to the command too, as SageMaker calls a script: --NAME VALUE");
  add_list("--env", flags.job.environment, "A variable of the command", "NAME=VALUE");
}

void DeclareOutputs(CLI::App& app, RunFlags& flags) {
  app.add_option("--output", flags.job.output_uri,
                 "Where JOB_NAME/output/model.tar.gz and output.tar.gz go")
      ->type_name("s3://BUCKET/PREFIX");
  app.add_option("--output-compression", flags.job.output_compression,
                 "GZIP: two archives; NONE: the files as they are, below output/model/ and "
                 "output/data/ (default: GZIP)")
      ->type_name("GZIP|NONE");
  app.add_option("--checkpoint", flags.job.checkpoint,
                 "Restored before the command starts, uploaded while it runs; the folder is "
                 "checkpoints/ of the tree unless DIR is given")
      ->type_name("s3://BUCKET/PREFIX[=DIR]");
  app.add_flag("--checkpoint-delete", flags.job.deletes_checkpoints,
               "Remove objects of checkpoints whose files the command has removed");
  job::CheckpointTiming& timing = flags.checkpoint_timing;
  AddSpan(
      app, "--checkpoint-interval",
      [&timing](std::chrono::milliseconds span) { timing.interval = span; },
      "Between two looks for new checkpoints; what two looks show unchanged is uploaded (default: "
      "5s)");
  AddSpan(
      app, "--checkpoint-deadline",
      [&timing](std::chrono::milliseconds span) { timing.deadline = span; },
      "How long after the command's end checkpoints are uploaded (default: 15m)");
}

void DeclareHosts(CLI::App& app, RunFlags& flags) {
  app.add_option("--hosts", flags.job.hosts, "All hosts of the job (default: algo-1)")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--current-host", flags.job.current_host, "This host")->type_name("NAME");
  app.add_option("--resource-config", flags.resource_config,
                 "Take the hosts from SageMaker's resourceconfig.json")
      ->type_name("FILE")
      ->excludes("--hosts")
      ->excludes("--current-host");
  app.add_option("--rank", flags.job.rank,
                 "This process's share of ShardedByS3Key channels (default: as torchrun, MPI, "
                 "Slurm or an indexed Kubernetes job say, or the host's place)")
      ->transform(WholeNumber())
      ->type_name("N");
  app.add_option("--world-size", flags.job.world_size, "How many ranks share them")
      ->transform(WholeNumber())
      ->type_name("N");
}

}  // namespace

CommandAction DeclareRun(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  flags->stop_grace_seconds =
      std::chrono::duration<double>(job::ProcessOptions{}.stop_grace).count();
  DeclareInputs(app, *flags);
  DeclareOutputs(app, *flags);
  app.add_option("--base", flags->job.base_directory, "The job's tree on disk (default: /opt/ml)")
      ->type_name("DIR");
  app.add_option("--job-name", flags->job.job_name, "Default: the script's name and the time")
      ->type_name("NAME");
  DeclareHosts(app, *flags);
  app.add_flag("--fresh", flags->is_fresh,
               "Remove what an earlier run left in model/ and output/ of the tree");
  app.add_flag("--check", flags->checks_only,
               "Look for every mistake, in each line of augmented manifests too, say what would be "
               "downloaded and restored, and end before it is")
      ->excludes("--fresh");
  app.add_option("--stop-grace", flags->stop_grace_seconds,
                 "From a request to stop until the command is killed")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(NumberFrom(0, 86'400));
  app.add_flag_callback(
      "--no-progress", [&shows = flags->shows_progress] { shows = false; },
      "No progress line on a terminal");
  DeclareEngineOptions(app, flags->engine);
  app.add_option("--max-runtime", flags->job.max_runtime,
                 "How long the command may run before it is asked to stop (default: for ever)")
      ->type_name("TIME");
  app.add_option("JOB.toml", flags->job_files,
                 "A job file; flags win over it. The command and its arguments follow --")
      ->type_name("");
  return [flags](CommandContext& context) { return RunTraining(*flags, context); };
}

}  // namespace headrace::cli
