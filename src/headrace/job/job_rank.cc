// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_rank.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "headrace/job/config_files.h"

namespace headrace::job {
namespace {

constexpr std::string_view kRankMark = "{rank}";

plan::Rank RankAmongHosts(const JobSpec& spec) {
  const std::vector<std::string> hosts = HostsByRank(spec);
  const auto place = std::ranges::find(hosts, spec.current_host);
  return {.index = static_cast<uint64_t>(place - hosts.begin()), .count = hosts.size()};
}

Result<plan::Rank> Agreed(plan::Rank said, std::string_view who, const JobSpec& spec) {
  const plan::Rank among_hosts = RankAmongHosts(spec);
  if (spec.hosts.size() == 1 || said == among_hosts) return said;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("this is rank {} of {} by the list of hosts, but {} of {} by {}; leave "
                          "one of the two out",
                          among_hosts.index, among_hosts.count, said.index, said.count, who));
}

}  // namespace

Result<plan::Rank> RankOf(const JobSpec& spec, const Environment& environment) {
  if (spec.rank) return Agreed(*spec.rank, "--rank and --world-size", spec);
  HR_TRY_ASSIGN(const std::optional<plan::Rank> launched, plan::RankFromEnvironment(environment));
  if (launched) return Agreed(*launched, "the launcher's variables", spec);
  return RankAmongHosts(spec);
}

Status ExpandRank(const Environment& environment, JobSpec& spec) {
  for (std::string* text : {&spec.name, &spec.base_directory, &spec.output_uri,
                            &spec.checkpoint.s3_uri, &spec.checkpoint.folder}) {
    for (size_t mark = text->find(kRankMark); mark != std::string::npos;
         mark = text->find(kRankMark)) {
      HR_TRY_ASSIGN(const plan::Rank rank,
                    While(std::string(kRankMark), RankOf(spec, environment)));
      text->replace(mark, kRankMark.size(), fmt::format("{}", rank.index));
    }
  }
  return Ok();
}

}  // namespace headrace::job
