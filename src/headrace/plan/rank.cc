// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/rank.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace::plan {
namespace {

struct Launcher {
  const char* index_name;
  const char* count_name;
  // The index is also set where no launcher ran, and then without the count.
  bool needs_count = false;
};
// torchrun first: it is started by the others, once a node, and knows the ranks they do not.
constexpr std::array kLaunchers = {
    Launcher{"RANK", "WORLD_SIZE"},
    Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    Launcher{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
    Launcher{"PMI_RANK", "PMI_SIZE"},
    // A batch script is SLURM_PROCID 0 of the SLURM_NTASKS that it may start, and starts none as
    // long as it calls no srun, which alone sets the step's count.
    Launcher{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", true},
    Launcher{"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"},
};

}  // namespace

Result<std::optional<Rank>> RankFromEnvironment(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const std::string_view index_text = environment.Get(launcher.index_name);
    const std::string_view count_text = environment.Get(launcher.count_name);
    if (index_text.empty() || (launcher.needs_count && count_text.empty())) continue;
    const auto index = ParseDecimal(index_text);
    const auto count = ParseDecimal(count_text);
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

}  // namespace headrace::plan
