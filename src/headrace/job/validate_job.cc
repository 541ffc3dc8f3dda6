// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/validate_job.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/base/utf8.h"
#include "headrace/job/checkpoint_place.h"
#include "headrace/job/directory_channel.h"
#include "headrace/job/job_tree.h"
#include "headrace/job/output_place.h"
#include "headrace/job/training_environment.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {
namespace {

constexpr JobLimits kLimits;

template <typename... Args>
std::unexpected<Error> Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }
// Text that both a JSON file and a process's environment can carry unchanged.
bool IsPortable(std::string_view text) { return !HasNul(text) && IsUtf8(text); }

Status ValidateJobName(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kLimits.job_name_bytes_max;
  const bool is_clean =
      std::ranges::all_of(name, [](char c) { return IsLetterOrDigit(c) || c == '-'; });
  if (!fits || !is_clean || name.front() == '-' || name.back() == '-') {
    return Refuse("job name '{}' must be 1 to {} letters, digits and inner hyphens", name,
                  kLimits.job_name_bytes_max);
  }
  return Ok();
}

Status ValidateChannelName(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kLimits.channel_name_bytes_max;
  const bool is_clean = std::ranges::all_of(
      name, [](char c) { return IsLetterOrDigit(c) || c == '.' || c == '_' || c == '-'; });
  if (!fits || !is_clean || name == "." || name == "..") {
    return Refuse("channel name '{}' must be 1 to {} letters, digits, '.', '_' and '-'", name,
                  kLimits.channel_name_bytes_max);
  }
  return Ok();
}

Status ValidateAttributes(const ChannelSpec& channel) {
  const auto& names = channel.attribute_names;
  if (channel.data_type != DataType::kAugmentedManifestFile) {
    if (names.empty()) return Ok();
    return Refuse("attributes belong to data-type AugmentedManifestFile only");
  }
  if (names.empty() || names.size() > kLimits.attribute_name_count_max) {
    return Refuse("an augmented manifest needs 1 to {} attributes, not {}",
                  kLimits.attribute_name_count_max, names.size());
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
    return Refuse("an attribute is named twice");
  }
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kLimits.attribute_name_bytes_max) {
      return Refuse("attribute name '{}' must have 1 to {} bytes", name,
                    kLimits.attribute_name_bytes_max);
    }
  }
  return Ok();
}

// The table of legal combinations: docs/channels.md.
Status ValidateCombination(const ChannelSpec& channel) {
  const bool is_pipe = channel.mode == InputMode::kPipe;
  if (channel.mode == InputMode::kFastFile && channel.data_type != DataType::kS3Prefix) {
    return Refuse("mode FastFile takes data-type S3Prefix only, not {}", NameOf(channel.data_type));
  }
  if (!is_pipe && channel.compression != Compression::kNone) {
    return Refuse("compression {} takes mode Pipe only, not {}", NameOf(channel.compression),
                  NameOf(channel.mode));
  }
  if (!is_pipe && channel.record_wrapper != RecordWrapper::kNone) {
    return Refuse("record-wrapper {} takes mode Pipe only, not {}", NameOf(channel.record_wrapper),
                  NameOf(channel.mode));
  }
  if (!is_pipe && channel.resume != plan::ResumePoint{}) {
    return Refuse("resume takes mode Pipe only, not {}", NameOf(channel.mode));
  }
  return ValidateAttributes(channel);
}

// Legal for SageMaker, absent here: refused instead of silently replaced by something else.
Status ValidateAvailable(const ChannelSpec& channel) {
  const auto absent = [](std::string_view what, std::string_view instead) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} is not available; {}", what, instead));
  };
  if (channel.mode == InputMode::kFastFile) {
    return absent("mode FastFile", "use mode=File or mode=Pipe");
  }
  return Ok();
}

// A directory is there as it is: nothing is listed, shared out, put in order or wrapped.
Status ValidateDirectory(const ChannelSpec& channel) {
  HR_TRY(DirectoryOf(channel.s3_uri));
  ChannelSpec plain{.name = channel.name, .s3_uri = channel.s3_uri};
  plain.content_type = channel.content_type;
  plain.is_writable = channel.is_writable;
  if (channel == plain) return Ok();
  return Refuse(
      "a directory takes mode File, distribution FullyReplicated, content-type and access, and no "
      "other option");
}

Status ValidateUri(std::string_view uri) {
  if (uri.size() > kLimits.uri_bytes_max || HasNul(uri)) {
    return Refuse("an S3 URI has at most {} bytes and no NUL", kLimits.uri_bytes_max);
  }
  HR_TRY(ParseS3Uri(uri));
  return Ok();
}

Status ValidateChannel(const ChannelSpec& channel) {
  HR_TRY(ValidateChannelName(channel.name));
  const std::string attempt = "channel " + channel.name;
  const bool is_directory = IsDirectoryUri(channel.s3_uri);
  if (!is_directory) HR_TRY(While(attempt, ValidateUri(channel.s3_uri)));
  if (channel.content_type.size() > kLimits.content_type_bytes_max ||
      !IsPortable(channel.content_type)) {
    return Refuse("{}: content-type must be at most {} bytes of UTF-8 without NUL", attempt,
                  kLimits.content_type_bytes_max);
  }
  if (is_directory) return While(attempt, ValidateDirectory(channel));
  if (channel.is_writable) return Refuse("{}: access belongs to directories only", attempt);
  HR_TRY(While(attempt, ValidateCombination(channel)));
  return While(attempt, ValidateAvailable(channel));
}

// True when a Pipe channel `pipe` would make a FIFO where channel `other` has its folder.
bool PipeTakesFolderOf(const ChannelSpec& pipe, const ChannelSpec& other) {
  if (pipe.mode != InputMode::kPipe || other.mode == InputMode::kPipe) return false;
  const std::string start = pipe.name + "_";
  if (!other.name.starts_with(start)) return false;
  const std::string_view epoch = std::string_view(other.name).substr(start.size());
  return !epoch.empty() && std::ranges::all_of(epoch, IsDigit);
}

Status ValidatePair(const ChannelSpec& a, const ChannelSpec& b) {
  if (a.name == b.name) return Refuse("channel {} is given twice", a.name);
  if (ChannelVariable(a.name) == ChannelVariable(b.name)) {
    return Refuse("channels {} and {} would share the variable {}; rename one", a.name, b.name,
                  ChannelVariable(a.name));
  }
  for (const auto& [pipe, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (PipeTakesFolderOf(*pipe, *other)) {
      return Refuse("channel {} has the name of an epoch's pipe of channel {}; rename one",
                    other->name, pipe->name);
    }
  }
  return Ok();
}

Status ValidateChannels(const std::vector<ChannelSpec>& channels) {
  if (channels.size() > kLimits.channel_count_max) {
    return Refuse("{} channels; a job has at most {}", channels.size(), kLimits.channel_count_max);
  }
  // Clashes first: with a Pipe channel they would otherwise hide behind a mode's absence.
  for (size_t i = 0; i < channels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) HR_TRY(ValidatePair(channels[j], channels[i]));
  }
  for (const ChannelSpec& channel : channels) HR_TRY(ValidateChannel(channel));
  return Ok();
}

Status ValidateHyperparameters(const std::map<std::string, std::string>& hyperparameters) {
  if (hyperparameters.size() > kLimits.hyperparameter_count_max) {
    return Refuse("{} hyperparameters; a job has at most {}", hyperparameters.size(),
                  kLimits.hyperparameter_count_max);
  }
  for (const auto& [name, value] : hyperparameters) {
    if (name.empty() || name.size() > kLimits.hyperparameter_name_bytes_max || !IsPortable(name) ||
        name.find('=') != std::string::npos) {
      return Refuse("hyperparameter name '{}' must have 1 to {} bytes of UTF-8 without '=' and NUL",
                    name, kLimits.hyperparameter_name_bytes_max);
    }
    if (value.size() > kLimits.hyperparameter_value_bytes_max || !IsPortable(value)) {
      return Refuse("hyperparameter {} must have a value of at most {} bytes of UTF-8 without NUL",
                    name, kLimits.hyperparameter_value_bytes_max);
    }
  }
  std::map<std::string, std::string_view> variables;
  for (const auto& [name, value] : hyperparameters) {
    const auto [other, is_new] = variables.emplace(HyperparameterVariable(name), name);
    if (is_new) continue;
    return Refuse("hyperparameters {} and {} would share the variable {}; rename one",
                  other->second, name, other->first);
  }
  return Ok();
}

Status ValidateEnvironment(const std::map<std::string, std::string>& environment) {
  if (environment.size() > kLimits.environment_count_max) {
    return Refuse("{} environment variables; a job has at most {}", environment.size(),
                  kLimits.environment_count_max);
  }
  for (const auto& [name, value] : environment) {
    const bool is_name =
        !name.empty() && name.size() <= kLimits.environment_name_bytes_max &&
        !IsDigit(name.front()) &&
        std::ranges::all_of(name, [](char c) { return IsLetterOrDigit(c) || c == '_'; });
    if (!is_name) {
      return Refuse("environment variable name '{}' must be letters, digits and '_'", name);
    }
    if (value.size() > kLimits.environment_value_bytes_max || HasNul(value)) {
      return Refuse("environment variable {} must have a value of at most {} bytes without NUL",
                    name, kLimits.environment_value_bytes_max);
    }
  }
  return Ok();
}

Status ValidateHosts(const JobSpec& spec) {
  if (spec.hosts.empty()) return Refuse("the job has no host");
  const std::set<std::string> distinct(spec.hosts.begin(), spec.hosts.end());
  if (distinct.size() != spec.hosts.size()) return Refuse("a host is named twice");
  if (distinct.contains("") || !std::ranges::all_of(distinct, IsPortable)) {
    return Refuse("a host has no usable name");
  }
  if (!distinct.contains(spec.current_host)) {
    return Refuse("current host '{}' is not among the job's hosts", spec.current_host);
  }
  return Ok();
}

// True when `path` is `folder` or lies below it.
bool IsWithin(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Status ValidateCheckpoint(const JobSpec& spec) {
  const CheckpointSpec& checkpoint = spec.checkpoint;
  if (checkpoint.s3_uri.empty()) {
    if (!checkpoint.deletes && checkpoint.folder.empty()) return Ok();
    return Refuse("there is no checkpoint URI; give --checkpoint s3://BUCKET/PREFIX");
  }
  HR_TRY(While("checkpoint", ValidateUri(checkpoint.s3_uri)));
  HR_TRY_ASSIGN(const S3Uri place, CheckpointPrefix(checkpoint));
  const JobTree tree(spec.base_directory);
  const std::string folder = CheckpointFolder(spec);
  if (!folder.starts_with('/') || !IsPortable(folder)) {
    return Refuse("checkpoint folder '{}' must be an absolute path", folder);
  }
  for (const std::string& taken : {tree.input(), tree.model(), tree.output(), tree.code()}) {
    if (!IsWithin(folder, taken) && !IsWithin(taken, folder)) continue;
    return Refuse("checkpoint folder {} and the tree's {} lie one inside the other; choose another",
                  folder, taken);
  }
  if (spec.output_uri.empty()) return Ok();
  HR_TRY_ASSIGN(const S3Uri output, OutputFolderUri(spec));
  if (output.bucket == place.bucket && output.key.starts_with(place.key)) {
    return Refuse("checkpoint {} holds the outputs ({}): they would be restored as checkpoints",
                  checkpoint.s3_uri, FormatS3Uri(output.bucket, output.key));
  }
  return Ok();
}

}  // namespace

Status ValidateJob(const JobSpec& spec) {
  HR_TRY(ValidateJobName(spec.name));
  HR_TRY(ValidateChannels(spec.channels));
  HR_TRY(ValidateHyperparameters(spec.hyperparameters));
  HR_TRY(ValidateEnvironment(spec.environment));
  HR_TRY(ValidateHosts(spec));
  if (!spec.output_uri.empty()) HR_TRY(While("output", ValidateUri(spec.output_uri)));
  HR_TRY(ValidateCheckpoint(spec));
  if (!spec.base_directory.starts_with('/') || !IsPortable(spec.base_directory)) {
    return Refuse("base directory '{}' must be an absolute path", spec.base_directory);
  }
  if (spec.command.empty() || spec.command.front().empty()) {
    return Refuse("no command; write it after --");
  }
  const std::map<std::string, std::string> contract = ContractVariables(spec, HostFacts{});
  for (const auto& [name, value] : spec.environment) {
    if (contract.contains(name)) {
      return Refuse("environment variable {} is set by the job itself; remove it", name);
    }
  }
  return Ok();
}

}  // namespace headrace::job
