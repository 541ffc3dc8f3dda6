// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/training_environment.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/job/config_files.h"
#include "headrace/job/job_tree.h"
#include "headrace/job/python_text.h"

namespace headrace::job {
namespace {

using nlohmann::json;
using Variables = std::map<std::string, std::string>;

// Hyperparameters that instruct the toolkit and are shown to no script; other names with this
// prefix go to SM_FRAMEWORK_PARAMS.
constexpr std::string_view kToolkitPrefix = "sagemaker_";
const std::set<std::string_view> kToolkitHyperparameters = {"sagemaker_program",
                                                            "sagemaker_submit_directory",
                                                            "sagemaker_enable_cloudwatch_metrics",
                                                            "sagemaker_region",
                                                            "sagemaker_container_log_level",
                                                            "sagemaker_job_name",
                                                            "default_user_module_name",
                                                            "_tuning_objective_metric",
                                                            "sagemaker_s3_output"};
constexpr int kLogLevelInfo = 20;      // Python's logging.INFO.
constexpr int kRendezvousPort = 7777;  // What SageMaker's own driver passes to torchrun.
constexpr std::string_view kAccount = "000000000000";  // No account: the ARN is for its shape.

struct Hyperparameters {
  json shown = json::object();      // SM_HPS
  json framework = json::object();  // SM_FRAMEWORK_PARAMS
  json toolkit = json::object();
};

Hyperparameters Decode(const JobSpec& spec) {
  Hyperparameters decoded;
  for (const auto& [name, text] : spec.hyperparameters) {
    json& group = kToolkitHyperparameters.contains(name) ? decoded.toolkit
                  : name.starts_with(kToolkitPrefix)     ? decoded.framework
                                                         : decoded.shown;
    group[name] = DecodeHyperparameter(text);
  }
  return decoded;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return upper;
}

std::string Encode(const json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : PythonJson(value);
}

// The command line a script would get: --name value, by name.
json UserArguments(const json& hyperparameters) {
  json arguments = json::array();
  for (const auto& [name, value] : hyperparameters.items()) {
    arguments.push_back((name.size() > 1 ? "--" : "-") + name);
    arguments.push_back(PythonArgument(value));
  }
  return arguments;
}

// What both the single variables and SM_TRAINING_ENV are made of, by the toolkit's names.
json Facts(const JobSpec& spec, const HostFacts& host, const Hyperparameters& decoded) {
  const JobTree tree(spec.base_directory);
  const std::vector<std::string> hosts = HostsByRank(spec);
  json channels = json::object();
  for (const ChannelSpec& channel : spec.channels)
    channels[channel.name] = tree.Channel(channel.name);
  const json resources = ResourceConfig(spec);
  const auto toolkit = [&decoded](const char* name, const json& otherwise) {
    return decoded.toolkit.value(name, otherwise);
  };
  const std::string program = Encode(toolkit("sagemaker_program", ""));
  const std::string module =
      program.ends_with(".py") ? program.substr(0, program.size() - 3) : program;
  json model_parallel;
  if (decoded.shown.contains("mp_parameters")) {
    model_parallel = Encode(decoded.shown["mp_parameters"]) != "{}";
  }
  return {{"additional_framework_parameters", decoded.framework},
          {"channel_input_dirs", channels},
          {"current_host", spec.current_host},
          {"current_instance_group", kInstanceGroup},
          {"current_instance_group_hosts", hosts},
          {"current_instance_type", spec.instance_type},
          {"distribution_hosts", json::array()},
          {"distribution_instance_groups", json::array()},
          {"framework_module", nullptr},
          {"hosts", hosts},
          {"hyperparameters", decoded.shown},
          {"input_config_dir", tree.config()},
          {"input_data_config", InputDataConfig(spec)},
          {"input_dir", tree.input()},
          {"instance_groups", json::array({kInstanceGroup})},
          {"instance_groups_dict", {{kInstanceGroup, resources["instance_groups"][0]}}},
          {"is_hetero", false},
          // Set once the model-parallel library is given parameters, as the toolkit has it.
          {"is_modelparallel_enabled", model_parallel},
          // AWS's launchers come with AWS's images alone.
          {"is_smddpmprun_installed", false},
          {"is_smddprun_installed", false},
          {"is_master", spec.current_host == hosts.front()},
          {"job_name", spec.name},
          {"log_level", toolkit("sagemaker_container_log_level", kLogLevelInfo)},
          {"master_hostname", hosts.front()},
          {"model_dir", tree.model()},
          {"module_dir", Encode(toolkit("sagemaker_submit_directory", tree.code()))},
          {"module_name", module},
          {"network_interface_name", spec.network_interface},
          {"num_cpus", host.cpu_count},
          {"num_gpus", host.gpu_count},
          {"num_neurons", 0},
          {"output_data_dir", tree.output_data()},
          {"output_dir", tree.output()},
          {"output_intermediate_dir", tree.output_intermediate()},
          {"resource_config", resources},
          {"topology", json::array()},
          {"user_entry_point", program}};
}

// The variables of AWS's training toolkit (version 2 of the SDK).
Variables ToolkitVariables(const JobSpec& spec, const json& facts) {
  constexpr std::string_view kSingle[] = {"hosts",
                                          "network_interface_name",
                                          "user_entry_point",
                                          "resource_config",
                                          "input_data_config",
                                          "output_data_dir",
                                          "current_host",
                                          "current_instance_type",
                                          "current_instance_group",
                                          "instance_groups",
                                          "current_instance_group_hosts",
                                          "instance_groups_dict",
                                          "is_hetero",
                                          "distribution_instance_groups",
                                          "module_name",
                                          "log_level",
                                          "framework_module",
                                          "input_dir",
                                          "input_config_dir",
                                          "output_dir",
                                          "num_cpus",
                                          "num_gpus",
                                          "num_neurons",
                                          "model_dir",
                                          "module_dir",
                                          "output_intermediate_dir"};
  Variables variables;
  const auto set = [&](std::string_view name, const json& value) {
    variables["SM_" + UpperCase(name)] = Encode(value);
  };
  for (const std::string_view name : kSingle) set(name, facts[std::string(name)]);
  json names = json::array();
  for (const auto& [name, folder] : facts["channel_input_dirs"].items()) {
    names.push_back(name);
    variables[ChannelVariable(name)] = folder.get<std::string>();
  }
  set("channels", names);
  const json& hyperparameters = facts["hyperparameters"];
  for (const auto& [name, value] : hyperparameters.items()) {
    variables[HyperparameterVariable(name)] = Encode(value);
  }
  set("hps", hyperparameters);
  set("framework_params", facts["additional_framework_parameters"]);
  set("user_args", UserArguments(hyperparameters));
  set("training_env", facts);
  variables["CURRENT_HOST"] = spec.current_host;
  variables["SAGEMAKER_JOB_NAME"] = spec.name;
  variables["SAGEMAKER_REGION"] = spec.region;
  // Where the toolkit looks for the tree when it is not at /opt/ml.
  variables["SAGEMAKER_BASE_DIR"] = spec.base_directory;
  return variables;
}

// What version 3 of the SDK sets beside those.
Variables DriverVariables(const JobSpec& spec) {
  const JobTree tree(spec.base_directory);
  const std::vector<std::string> hosts = HostsByRank(spec);
  const auto rank = std::ranges::find(hosts, spec.current_host) - hosts.begin();
  return {{"SM_INPUT_DATA_DIR", tree.data()},
          {"SM_OUTPUT_FAILURE", tree.failure_file()},
          {"SM_SOURCE_DIR", tree.Channel("code")},
          {"SM_HOST_COUNT", fmt::format("{}", hosts.size())},
          {"SM_CURRENT_HOST_RANK", fmt::format("{}", rank)},
          {"SM_MASTER_ADDR", hosts.front()},
          {"SM_MASTER_PORT", fmt::format("{}", kRendezvousPort)}};
}

// What the platform itself sets on a container.
Variables PlatformVariables(const JobSpec& spec) {
  const std::string region = spec.region.empty() ? "local" : spec.region;
  Variables variables = {
      {"TRAINING_JOB_NAME", spec.name},
      {"TRAINING_JOB_ARN",
       fmt::format("arn:aws:sagemaker:{}:{}:training-job/{}", region, kAccount, spec.name)},
      // Set in AWS's images, whether a job has checkpoints or not.
      {"SM_CHECKPOINT_CONFIG_FILE", JobTree(spec.base_directory).checkpoint_config_file()}};
  if (!spec.region.empty()) variables["AWS_REGION"] = spec.region;
  if (!spec.endpoint_url.empty()) variables["AWS_ENDPOINT_URL_S3"] = spec.endpoint_url;
  return variables;
}

}  // namespace

std::string ChannelVariable(std::string_view channel) { return "SM_CHANNEL_" + UpperCase(channel); }

std::string HyperparameterVariable(std::string_view name) { return "SM_HP_" + UpperCase(name); }

Variables ContractVariables(const JobSpec& spec, const HostFacts& facts) {
  Variables variables = ToolkitVariables(spec, Facts(spec, facts, Decode(spec)));
  variables.merge(DriverVariables(spec));
  variables.merge(PlatformVariables(spec));
  return variables;
}

std::vector<std::string> CommandWords(const JobSpec& spec) {
  std::vector<std::string> words = spec.command;
  if (!spec.passes_hyperparameters) return words;
  for (const json& word : UserArguments(Decode(spec).shown)) words.push_back(word);
  return words;
}

Environment TrainingEnvironment(const JobSpec& spec, const HostFacts& facts,
                                const Environment& inherited) {
  Environment environment;
  for (const auto& [name, value] : inherited.variables()) {
    if (name.starts_with("SM_CHANNEL_") || name.starts_with("SM_HP_")) continue;
    environment.Set(name, value);
  }
  for (const auto& [name, value] : ContractVariables(spec, facts)) environment.Set(name, value);
  for (const auto& [name, value] : spec.environment) environment.Set(name, value);
  return environment;
}

}  // namespace headrace::job
