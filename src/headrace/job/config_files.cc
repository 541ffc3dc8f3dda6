// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/config_files.h"

#include <algorithm>

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

std::vector<std::string> HostsByRank(const JobSpec& spec) {
  std::vector<std::string> hosts = spec.hosts;
  std::ranges::sort(hosts);
  return hosts;
}

}  // namespace headrace::job
