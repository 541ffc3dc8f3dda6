// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headrace::file {

// True when all of `text` matches: '*' is any run of characters ('/' among them), '?' one
// character,
// "[a-z]" one of a set, "[!a-z]" one outside it; a '[' that is never closed stands for itself.
// Characters are UTF-8; a byte that is none counts as one. Pure.
bool MatchesGlob(std::string_view pattern, std::string_view text);

struct FilterRule {
  bool is_include = false;
  std::string pattern;
};

// --include and --exclude in the order given: everything is in until a rule says otherwise, and of
// the rules that match a path the last one decides.
class PathFilter {
 public:
  PathFilter() = default;
  explicit PathFilter(std::vector<FilterRule> rules) : rules_(std::move(rules)) {}

  // `path` is relative to the root that is copied, compared or removed.
  bool Includes(std::string_view path) const;

 private:
  std::vector<FilterRule> rules_;
};

}  // namespace headrace::file
