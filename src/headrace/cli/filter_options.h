// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "headrace/deliver/file/path_filter.h"

namespace headrace::cli {

// --include and --exclude of one command, in the order in which they were given.
// Lifetime: the app outlives it; stays where it is (the app writes into it).
class FilterOptions {
 public:
  explicit FilterOptions(CLI::App& app);
  FilterOptions(const FilterOptions&) = delete;
  FilterOptions& operator=(const FilterOptions&) = delete;

  // Once the command line is parsed.
  file::PathFilter Filter() const;

 private:
  const CLI::App& app_;
  std::vector<std::string> includes_;
  std::vector<std::string> excludes_;
  const CLI::Option* include_ = nullptr;
};

}  // namespace headrace::cli
