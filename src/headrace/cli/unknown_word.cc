// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/unknown_word.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace headrace::cli {
namespace {

// Slips that still leave a word of so many letters recognisable.
size_t SlipsAllowed(size_t letters) {
  if (letters <= 4) return 1;
  return letters <= 8 ? 2 : 3;
}

// Fewer letters begin too many words.
constexpr size_t kBeginningLettersMin = 3;

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  // Rows of the table: from the letters of `a` so far, and one and two fewer, to each beginning of
  // `b`.
  std::vector<size_t> row(b.size() + 1);
  std::vector<size_t> above;
  std::vector<size_t> second_above;
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    second_above = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, row[j - 1] + 1, above[j] + 1});
      const bool is_exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_exchanged) row[j] = std::min(row[j], second_above[j - 2] + 1);
    }
  }
  return row.back();
}

std::string_view NearestWord(std::string_view word, std::span<const std::string> known) {
  const size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  std::string_view nearest;
  size_t nearest_slips = SlipsAllowed(letters) + 1;
  for (const std::string& candidate : known) {
    const bool is_beginning = letters >= kBeginningLettersMin && candidate.starts_with(word);
    const size_t slips = is_beginning ? 1 : EditDistance(word, candidate);
    if (slips >= nearest_slips) continue;
    nearest = candidate;
    nearest_slips = slips;
  }
  return nearest;
}

std::string UnknownWordText(std::string_view word, const KnownWords& known) {
  const bool is_option = word.size() > 1 && word.starts_with('-');
  if (is_option) word = word.substr(0, word.find('='));
  const std::string_view nearest = NearestWord(word, is_option ? known.options : known.commands);
  std::string text = fmt::format("'{}' is one argument too many", word);
  if (is_option) {
    text = fmt::format("there is no option {}", word);
  } else if (!known.commands.empty()) {
    text = fmt::format("there is no command '{}'", word);
  }
  // A command's own option stands in front of its name.
  if (is_option && nearest == word)
    return fmt::format("{} has to stand behind the command's name", word);
  if (!nearest.empty()) text += fmt::format("; did you mean {}?", nearest);
  return text;
}

bool IsServiceWord(std::string_view word) { return word == "s3" || word == "s3api"; }

}  // namespace headrace::cli
