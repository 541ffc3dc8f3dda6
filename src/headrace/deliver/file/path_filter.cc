// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/path_filter.h"

#include <algorithm>
#include <ranges>

#include "headrace/base/utf8.h"

namespace headrace::file {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Takes one character off `text`. Characters compare in byte order, which for UTF-8 is the order of
// their code points.
std::string_view TakeCharacter(std::string_view& text) {
  // A byte that begins no character counts as one.
  const size_t size = std::max<size_t>(CharacterBytes(text), 1);
  const std::string_view character = text.substr(0, size);
  text.remove_prefix(size);
  return character;
}

// Where the set that starts behind a '[' at the front of `pattern` ends: the index of its ']'. One
// that comes first (behind '!') belongs to the set.
size_t SetEnd(std::string_view pattern) {
  const size_t first = pattern.substr(1).starts_with('!') ? 2 : 1;
  return pattern.find(']', first + 1);
}

bool IsInSet(std::string_view set, std::string_view character) {
  const bool is_negated = set.starts_with('!');
  if (is_negated) set.remove_prefix(1);
  bool found = false;
  while (!set.empty()) {
    const std::string_view begin = TakeCharacter(set);
    std::string_view end = begin;
    if (set.size() >= 2 && set.front() == '-') {
      set.remove_prefix(1);
      end = TakeCharacter(set);
    }
    if (begin <= character && character <= end) found = true;
  }
  return found != is_negated;
}

// Matches one character of `text` against the front of `pattern` and takes both off, or changes
// nothing.
bool TryMatchOne(std::string_view& pattern, std::string_view& text) {
  std::string_view rest = text;
  const std::string_view character = TakeCharacter(rest);
  const size_t set_end = pattern.front() == '[' ? SetEnd(pattern) : kNone;
  if (set_end != kNone) {
    if (!IsInSet(pattern.substr(1, set_end - 1), character)) return false;
    pattern.remove_prefix(set_end + 1);
  } else {
    std::string_view pattern_rest = pattern;
    const std::string_view wanted = TakeCharacter(pattern_rest);
    if (wanted != "?" && wanted != character) return false;
    pattern = pattern_rest;
  }
  text = rest;
  return true;
}

}  // namespace

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  // Only the last '*' ever needs to take more: whatever an earlier one could take in addition, the
  // last one can. So the time is at most the product of both lengths.
  bool has_star = false;
  std::string_view star_pattern;  // Behind the last '*'.
  std::string_view star_text;     // Where that '*' stopped taking.
  while (true) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      has_star = true;
      star_pattern = pattern;
      star_text = text;
    } else if (text.empty() && pattern.empty()) {
      return true;
    } else if (text.empty() || pattern.empty() || !TryMatchOne(pattern, text)) {
      if (!has_star || star_text.empty()) return false;
      TakeCharacter(star_text);
      pattern = star_pattern;
      text = star_text;
    }
  }
}

bool PathFilter::Includes(std::string_view path) const {
  const auto last_first = std::views::reverse(rules_);
  const auto decider = std::ranges::find_if(
      last_first, [path](const FilterRule& rule) { return MatchesGlob(rule.pattern, path); });
  return decider == last_first.end() || decider->is_include;
}

}  // namespace headrace::file
