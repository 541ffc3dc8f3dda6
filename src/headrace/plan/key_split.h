// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headrace::plan {

// What a page of a listing tells about the keys that are still to come.
struct ListedSpan {
  std::string_view prefix;  // All keys start with it.
  std::string_view begin;   // The split that this span lies behind. Empty: it is the first.
  std::string_view first;   // The page's first key.
  std::string_view last;    // The page's last key; the keys to come are after it.
  std::string_view end;     // The keys to come are not after this one. Empty: no end.
};

struct KeySplit {
  std::string key;  // Need not be a key that exists.
  // The keys before the split are no more than a few pages: splitting them again is not worth it.
  bool is_finest = false;
};

// Cuts the keys to come into (last, key] and (key, end], both likely not empty; nothing where no
// cut is worth a request.
//
// Nothing is known of the keys to come, so the guess is made from how keys are written. Those that
// share the last key's first n characters and have a greater one behind them form level n. Levels
// left of the first character that varies within the page hold many pages (the higher digits of a
// counter, the folder names) or nothing. The cut is made in the middle of the levels in question,
// at the character midway to the greatest of its class, so that repeated cuts find the occupied
// levels by bisection. In question are the levels right of where last and end part, and of these
// the ones left of the split that made this span, if any: it was right to cut there, so there may
// be more beyond.
std::optional<KeySplit> SplitKey(const ListedSpan& span);

}  // namespace headrace::plan
