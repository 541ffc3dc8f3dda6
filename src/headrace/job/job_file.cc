// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_file.h"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/time_text.h"
#include "headrace/base/toml.h"
#include "headrace/job/channel_options.h"
#include "headrace/job/python_text.h"
#include "headrace/job/setting_text.h"

namespace headrace::job {
namespace {

// Reads one file; every error names it and the line.
class JobFileReader {
 public:
  explicit JobFileReader(std::string_view file_name) : file_name_(file_name) {}

  Result<JobSpec> Read(const toml::table& table, JobSpec spec) const {
    for (const auto& [key, node] : table) HR_TRY(ReadTopLevel(key.str(), node, spec));
    return spec;
  }

  std::unexpected<Error> Refuse(const toml::source_region& place, std::string_view why) const {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", file_name_, place.begin.line, why));
  }

 private:
  Status ReadTopLevel(std::string_view key, const toml::node& node, JobSpec& spec) const {
    if (std::string* target = TextSetting(key, spec)) return ReadText(key, node, *target);
    if (key == "command") return ReadTexts(key, node, spec.command);
    if (key == "hosts") return ReadTexts(key, node, spec.hosts);
    if (key == "channels") return ReadChannels(node, spec);
    if (key == "hyperparameters") return ReadHyperparameters(node, spec);
    if (key == "pass-hyperparameters") return ReadTruth(key, node, spec.passes_hyperparameters);
    if (key == "environment") return ReadEnvironment(node, spec);
    if (key == "checkpoint") return ReadCheckpoint(node, spec.checkpoint);
    if (key == "output-compression")
      return ReadParsed(key, node, ParseOutputCompression, spec.output_compression);
    if (key == "max-runtime") return ReadParsed(key, node, ParseSpan, spec.max_runtime);
    return Refuse(node.source(), fmt::format("'{}' is no setting of a job", key));
  }

  static std::string* TextSetting(std::string_view key, JobSpec& spec) {
    if (key == "name") return &spec.name;
    if (key == "base") return &spec.base_directory;
    if (key == "output") return &spec.output_uri;
    if (key == "current-host") return &spec.current_host;
    if (key == "instance-type") return &spec.instance_type;
    return nullptr;
  }

  Status ReadTruth(std::string_view key, const toml::node& node, bool& target) const {
    const auto truth = node.value_exact<bool>();
    if (!truth) return Refuse(node.source(), fmt::format("'{}' must be true or false", key));
    target = *truth;
    return Ok();
  }

  Status ReadText(std::string_view key, const toml::node& node, std::string& target) const {
    const auto text = node.value_exact<std::string>();
    if (!text) return Refuse(node.source(), fmt::format("'{}' must be a string", key));
    // Arguments, paths and variables would end there unseen.
    if (text->contains('\0')) {
      return Refuse(node.source(), fmt::format("'{}' must not have a NUL character in it", key));
    }
    target = *text;
    return Ok();
  }

  Status ReadTexts(std::string_view key, const toml::node& node,
                   std::vector<std::string>& target) const {
    const toml::array* items = node.as_array();
    if (items == nullptr) {
      return Refuse(node.source(), fmt::format("'{}' must be a list of strings", key));
    }
    target.clear();
    for (const toml::node& item : *items) HR_TRY(ReadText(key, item, target.emplace_back()));
    return Ok();
  }

  // A string that `parse` turns into the setting's value.
  template <typename Value>
  Status ReadParsed(std::string_view key, const toml::node& node,
                    Result<Value> (*parse)(std::string_view), Value& target) const {
    std::string text;
    HR_TRY(ReadText(key, node, text));
    Result<Value> value = parse(text);
    if (!value) return Refuse(node.source(), fmt::format("'{}': {}", key, value.error().message()));
    target = *value;
    return Ok();
  }

  Status ReadCheckpoint(const toml::node& node, CheckpointSpec& checkpoint) const {
    HR_TRY_ASSIGN(const toml::table* table, Table("checkpoint", node));
    for (const auto& [key, value] : *table) {
      if (key == "uri") {
        HR_TRY(ReadText(key.str(), value, checkpoint.s3_uri));
      } else if (key == "folder") {
        HR_TRY(ReadText(key.str(), value, checkpoint.folder));
      } else if (key == "delete") {
        HR_TRY(ReadTruth(key.str(), value, checkpoint.deletes));
      } else {
        return Refuse(value.source(),
                      fmt::format("'{}' is no setting of the checkpoint", key.str()));
      }
    }
    return Ok();
  }

  Result<const toml::table*> Table(std::string_view key, const toml::node& node) const {
    if (const toml::table* table = node.as_table()) return table;
    return Refuse(node.source(), fmt::format("'{}' must be a table", key));
  }

  Status ReadChannels(const toml::node& node, JobSpec& spec) const {
    HR_TRY_ASSIGN(const toml::table* channels, Table("channels", node));
    spec.channels.clear();
    for (const auto& [name, entry] : *channels) {
      ChannelSpec& channel = spec.channels.emplace_back();
      channel.name = name.str();
      HR_TRY_ASSIGN(const toml::table* options, Table(name.str(), entry));
      for (const auto& [key, value] : *options) {
        HR_TRY(ReadChannelOption(key.str(), value, channel));
      }
    }
    return Ok();
  }

  Status ReadChannelOption(std::string_view key, const toml::node& node,
                           ChannelSpec& channel) const {
    if (key == "uri") return ReadText(key, node, channel.s3_uri);
    if (key == "attributes" && node.is_array()) {
      return ReadTexts(key, node, channel.attribute_names);
    }
    std::string text;
    if (const auto number = node.value_exact<int64_t>()) {
      text = fmt::format("{}", *number);
    } else {
      HR_TRY(ReadText(key, node, text));
    }
    const Status status = SetChannelOption(key, text, channel);
    if (!status.has_value()) return Refuse(node.source(), status.error().message());
    return Ok();
  }

  Status ReadHyperparameters(const toml::node& node, JobSpec& spec) const {
    HR_TRY_ASSIGN(const toml::table* table, Table("hyperparameters", node));
    for (const auto& [name, value] : *table) {
      HR_TRY_ASSIGN(const nlohmann::json decoded, ToJson(name.str(), value));
      spec.hyperparameters[std::string(name.str())] =
          decoded.is_string() ? decoded.get<std::string>() : PythonJson(decoded);
    }
    return Ok();
  }

  Result<nlohmann::json> ToJson(std::string_view name, const toml::node& node) const {
    using nlohmann::json;
    if (const auto text = node.value_exact<std::string>()) return json(*text);
    if (const auto integer = node.value_exact<int64_t>()) return json(*integer);
    if (const auto number = node.value_exact<double>()) return json(*number);
    if (const auto truth = node.value_exact<bool>()) return json(*truth);
    json value;
    if (const toml::array* items = node.as_array()) {
      value = json::array();
      for (const toml::node& item : *items) {
        HR_TRY_ASSIGN(json element, ToJson(name, item));
        value.push_back(std::move(element));
      }
      return value;
    }
    if (const toml::table* table = node.as_table()) {
      value = json::object();
      for (const auto& [key, item] : *table) {
        HR_TRY_ASSIGN(value[std::string(key.str())], ToJson(name, item));
      }
      return value;
    }
    return Refuse(node.source(), fmt::format("'{}' must not be a date; quote it", name));
  }

  Status ReadEnvironment(const toml::node& node, JobSpec& spec) const {
    HR_TRY_ASSIGN(const toml::table* table, Table("environment", node));
    for (const auto& [name, value] : *table) {
      HR_TRY(ReadText(name.str(), value, spec.environment[std::string(name.str())]));
    }
    return Ok();
  }

  std::string_view file_name_;
};

}  // namespace

Result<JobSpec> ParseJobFile(std::string_view text, std::string_view file_name, JobSpec defaults) {
  const JobFileReader reader(file_name);
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return reader.Refuse(parsed.error().source(), parsed.error().description());
  return reader.Read(parsed.table(), std::move(defaults));
}

}  // namespace headrace::job
