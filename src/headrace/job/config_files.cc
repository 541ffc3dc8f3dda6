// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/config_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/job/checkpoint_place.h"

namespace headrace::job {

using nlohmann::json;

json InputDataConfig(const JobSpec& spec) {
  json config = json::object();
  for (const ChannelSpec& channel : spec.channels) {
    json entry = {{"TrainingInputMode", NameOf(channel.mode)},
                  {"S3DistributionType", NameOf(channel.distribution)},
                  {"RecordWrapperType", NameOf(channel.record_wrapper)}};
    if (!channel.content_type.empty()) entry["ContentType"] = channel.content_type;
    config[channel.name] = std::move(entry);
  }
  return config;
}

json HyperparametersConfig(const JobSpec& spec) {
  json config = json::object();
  for (const auto& [name, value] : spec.hyperparameters) config[name] = value;
  return config;
}

json ResourceConfig(const JobSpec& spec) {
  const std::vector<std::string> hosts = HostsByRank(spec);
  const json group = {{"instance_group_name", kInstanceGroup},
                      {"instance_type", spec.instance_type},
                      {"hosts", hosts}};
  return {{"current_host", spec.current_host},
          {"current_instance_type", spec.instance_type},
          {"current_group_name", kInstanceGroup},
          {"hosts", hosts},
          {"instance_groups", json::array({group})},
          {"network_interface_name", spec.network_interface}};
}

json CheckpointConfig(const JobSpec& spec) { return {{"LocalPath", CheckpointFolder(spec)}}; }

Status ApplyResourceConfig(std::string_view text, JobSpec& spec) {
  const auto refuse = [](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}; a resourceconfig.json is expected", what));
  };
  const json config = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return refuse("it is no JSON object");
  const auto current = config.find("current_host");
  if (current == config.end() || !current->is_string()) return refuse("it has no 'current_host'");
  const auto hosts = config.find("hosts");
  if (hosts == config.end() || !hosts->is_array() ||
      !std::ranges::all_of(*hosts, [](const json& host) { return host.is_string(); })) {
    return refuse("it has no 'hosts', a list of names");
  }
  spec.current_host = current->get<std::string>();
  spec.hosts = hosts->get<std::vector<std::string>>();
  const auto take_text = [&config](const char* name, std::string& target) {
    const auto found = config.find(name);
    if (found != config.end() && found->is_string()) target = found->get<std::string>();
  };
  take_text("current_instance_type", spec.instance_type);
  take_text("network_interface_name", spec.network_interface);
  return Ok();
}

std::vector<std::string> HostsByRank(const JobSpec& spec) {
  std::vector<std::string> hosts = spec.hosts;
  std::ranges::sort(hosts);
  return hosts;
}

}  // namespace headrace::job
