// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What is said about a word of the command line that is no option, command or argument. Pure.
namespace headrace::cli {

// How many letters have to be put in, taken out or replaced, or neighbours exchanged, to make one
// text of the other; no letter is touched twice (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b);

struct KnownWords {
  std::vector<std::string> options;   // With their dashes.
  std::vector<std::string> commands;  // Those that may stand here: none behind a command.
};

// The known word that was likely meant: it begins with `word`, or a slip or two make one of the
// other. Empty: none is that close.
std::string_view NearestWord(std::string_view word, std::span<const std::string> known);

// One line, without the program's name in front.
std::string UnknownWordText(std::string_view word, const KnownWords& known);

// People who know `aws s3 ls` and `aws s3api` write the word in between.
bool IsServiceWord(std::string_view word);

}  // namespace headrace::cli
