// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_flags.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/job/channel_options.h"
#include "headrace/job/setting_text.h"

namespace headrace::job {
namespace {

Status ApplyChannels(const std::vector<std::string>& texts, std::vector<ChannelSpec>& channels) {
  std::set<std::string> given;
  for (const std::string& text : texts) {
    HR_TRY_ASSIGN(ChannelSpec channel, ParseChannel(text));
    if (!given.insert(channel.name).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("channel {} is given twice", channel.name));
    }
    const auto same = std::ranges::find(channels, channel.name, &ChannelSpec::name);
    if (same == channels.end()) {
      channels.push_back(std::move(channel));
    } else {
      *same = std::move(channel);
    }
  }
  return Ok();
}

// The channel that `--resume TEXT` is about, and its point. A name may be left out where there is
// one Pipe channel.
Status ApplyResume(std::string_view text, std::vector<ChannelSpec>& channels) {
  const size_t equals = text.find('=');
  const bool has_name = equals != std::string_view::npos;
  const auto is_meant = [&](const ChannelSpec& channel) {
    return has_name ? channel.name == text.substr(0, equals) : channel.mode == InputMode::kPipe;
  };
  const auto count = std::ranges::count_if(channels, is_meant);
  if (count != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                has_name    ? fmt::format("--resume {}: there is no such channel", text)
                : count > 1 ? fmt::format("--resume {}: which of the {} Pipe channels? Write "
                                          "CHANNEL=EPOCH:POSITION",
                                          text, count)
                            : fmt::format("--resume {}: there is no Pipe channel", text));
  }
  HR_TRY_ASSIGN(std::ranges::find_if(channels, is_meant)->resume,
                plan::ParseResumePoint(has_name ? text.substr(equals + 1) : text));
  return Ok();
}

Status ApplyPairs(std::string_view flag, const std::vector<std::string>& texts,
                  std::map<std::string, std::string>& target) {
  std::set<std::string> given;
  for (const std::string& text : texts) {
    HR_TRY_ASSIGN(auto pair, ParsePair(flag, text));
    if (!given.insert(pair.first).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} {} is given twice", flag, pair.first));
    }
    target[pair.first] = std::move(pair.second);
  }
  return Ok();
}

Status ApplyRank(const JobFlags& flags, JobSpec& spec) {
  if (!flags.rank && !flags.world_size) return Ok();
  if (!flags.rank || !flags.world_size) {
    return Fail(ErrorCode::kInvalidArgument, "--rank and --world-size need each other; give both");
  }
  if (*flags.rank >= *flags.world_size) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--rank {} is not below --world-size {}; ranks count from 0",
                            *flags.rank, *flags.world_size));
  }
  spec.rank = {.index = *flags.rank, .count = *flags.world_size};
  return Ok();
}

void ApplyText(const std::string& text, std::string& target) {
  if (!text.empty()) target = text;
}

Status ApplyCheckpoint(const JobFlags& flags, CheckpointSpec& checkpoint) {
  if (!flags.checkpoint.empty()) {
    const bool deletes = checkpoint.deletes;
    HR_TRY_ASSIGN(checkpoint, ParseCheckpoint(flags.checkpoint));
    checkpoint.deletes = deletes;
  }
  checkpoint.deletes = checkpoint.deletes || flags.deletes_checkpoints;
  return Ok();
}

}  // namespace

Result<JobSpec> ApplyFlags(const JobFlags& flags, JobSpec spec) {
  HR_TRY(ApplyChannels(flags.channels, spec.channels));
  for (const std::string& text : flags.resume) HR_TRY(ApplyResume(text, spec.channels));
  HR_TRY(ApplyPairs("--hyperparameter", flags.hyperparameters, spec.hyperparameters));
  spec.passes_hyperparameters = spec.passes_hyperparameters || flags.passes_hyperparameters;
  HR_TRY(ApplyPairs("--env", flags.environment, spec.environment));
  ApplyText(flags.output_uri, spec.output_uri);
  HR_TRY(ApplyCheckpoint(flags, spec.checkpoint));
  if (!flags.output_compression.empty()) {
    HR_TRY_ASSIGN(spec.output_compression, ParseOutputCompression(flags.output_compression));
  }
  if (!flags.max_runtime.empty()) {
    HR_TRY_ASSIGN(spec.max_runtime, While("--max-runtime", ParseSpan(flags.max_runtime)));
  }
  ApplyText(flags.base_directory, spec.base_directory);
  ApplyText(flags.job_name, spec.name);
  ApplyText(flags.current_host, spec.current_host);
  if (!flags.hosts.empty()) spec.hosts = flags.hosts;
  HR_TRY(ApplyRank(flags, spec));
  if (!flags.command.empty()) spec.command = flags.command;
  return spec;
}

std::string DefaultJobName(const std::vector<std::string>& command, SystemTime now) {
  // Of "python3 train.py" the script says more than the interpreter.
  constexpr size_t kStemBytesMax = 39;  // With the 24 of the time: the 63 of a job name.
  std::string_view source = command.empty() ? std::string_view("job") : command.front();
  for (const std::string& word : command) {
    if (word.ends_with(".py") || word.ends_with(".sh")) {
      source = word;
      break;
    }
  }
  source.remove_prefix(source.rfind('/') + 1);
  std::string stem;
  for (const char c : source.substr(0, kStemBytesMax)) {
    const bool is_clean = IsLetterOrDigit(c);
    if (is_clean || !stem.empty()) stem += is_clean ? c : '-';
  }
  if (stem.empty()) stem = "job";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(now - seconds).count();
  const std::time_t time = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(seconds));
  return fmt::format("{}-{:%Y-%m-%d-%H-%M-%S}-{:03}", stem, fmt::gmtime(time), milliseconds);
}

}  // namespace headrace::job
