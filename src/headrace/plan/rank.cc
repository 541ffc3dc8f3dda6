// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/rank.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace headrace::plan {
namespace {

struct Launcher {
  const char* index_name;
  const char* count_name;
};
// torchrun first: it is started by the others, once a node, and knows the ranks they do not.
constexpr std::array kLaunchers = {
    Launcher{"RANK", "WORLD_SIZE"},
    Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    Launcher{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
    Launcher{"PMI_RANK", "PMI_SIZE"},
    Launcher{"SLURM_PROCID", "SLURM_NTASKS"},
    Launcher{"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"},
};

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace

Result<std::optional<Rank>> RankFromEnvironment(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const std::string_view index_text = environment.Get(launcher.index_name);
    const std::string_view count_text = environment.Get(launcher.count_name);
    if (index_text.empty()) continue;
    const auto index = ParseNumber(index_text);
    const auto count = ParseNumber(count_text);
    if (!index || !count || *index >= *count) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}='{}' and {}='{}' are not a rank and the number of ranks; set both "
                      "or neither",
                      launcher.index_name, index_text, launcher.count_name, count_text));
    }
    return Rank{.index = *index, .count = *count};
  }
  return std::nullopt;
}

Result<Rank> RankFromResourceConfig(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object config;
  std::string_view current;
  simdjson::dom::array hosts;
  if (parser.parse(json.data(), json.size()).get(config) != simdjson::SUCCESS ||
      config["current_host"].get(current) != simdjson::SUCCESS ||
      config["hosts"].get(hosts) != simdjson::SUCCESS) {
    return Fail(ErrorCode::kInvalidArgument,
                "resourceconfig.json is not a JSON object with 'current_host' and 'hosts'");
  }
  std::vector<std::string_view> names;
  for (const auto host : hosts) {
    std::string_view name;
    if (host.get(name) != simdjson::SUCCESS) {
      return Fail(ErrorCode::kInvalidArgument,
                  "resourceconfig.json: 'hosts' is not a list of names");
    }
    names.push_back(name);
  }
  std::ranges::sort(names);
  const auto found = std::ranges::find(names, current);
  if (found == names.end()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("resourceconfig.json: current_host '{}' is not among 'hosts'", current));
  }
  return Rank{.index = static_cast<uint64_t>(found - names.begin()), .count = names.size()};
}

}  // namespace headrace::plan
