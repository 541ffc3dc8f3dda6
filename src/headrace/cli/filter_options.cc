// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/filter_options.h"

namespace headrace::cli {

FilterOptions::FilterOptions(CLI::App& app) : app_(app) {
  include_ = app.add_option("--include", includes_,
                            "Take paths that match PATTERN (*, ?, [a-z]) after all; the last "
                            "--include or --exclude that matches decides")
                 ->type_name("PATTERN")
                 ->allow_extra_args(false);
  app.add_option("--exclude", excludes_, "Leave out paths that match PATTERN")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
}

file::PathFilter FilterOptions::Filter() const {
  std::vector<file::FilterRule> rules;
  size_t include_count = 0;
  size_t exclude_count = 0;
  for (const CLI::Option* option : app_.parse_order()) {
    if (option == include_) {
      rules.push_back({.is_include = true, .pattern = includes_[include_count++]});
    } else if (option->check_name("--exclude")) {
      rules.push_back({.is_include = false, .pattern = excludes_[exclude_count++]});
    }
  }
  return file::PathFilter(std::move(rules));
}

}  // namespace headrace::cli
