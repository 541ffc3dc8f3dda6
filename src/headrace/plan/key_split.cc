// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/key_split.h"

#include <algorithm>
#include <cstdint>

#include "headrace/base/error.h"

namespace headrace::plan {
namespace {

constexpr uint8_t kPrintableMin = 0x20;
constexpr uint8_t kPrintableMax = 0x7E;

// At the level that varies within the page, cut only when this many pages like it would fit before
// the end of the level: both halves then keep a page or more.
constexpr int kPagesToCutMin = 2;

// Where two texts differ first, or the length of the shorter.
size_t CommonSize(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// The greatest character that a name is likely to have where it has `character`.
uint8_t ClassMax(uint8_t character) {
  if (character < '0') return '0';  // Punctuation before the digits: anything may follow.
  if (character <= '9') return '9';
  if (character < 'A') return 'A';
  if (character <= 'Z') return 'Z';
  if (character < 'a') return 'a';
  if (character <= 'z') return 'z';
  return kPrintableMax;
}

// The split at one level: last[0, level) and a greater character. Only ASCII is changed, so that
// the split is UTF-8 where the keys are.
std::optional<std::string> SplitAt(const ListedSpan& span, size_t level, size_t varying) {
  const auto character = static_cast<uint8_t>(span.last[level]);
  if (character < kPrintableMin || character >= kPrintableMax) return std::nullopt;
  const std::string_view kept = span.last.substr(0, level);
  uint8_t greatest = std::max<uint8_t>(ClassMax(character), character + 1);
  if (!span.end.empty() && span.end.starts_with(kept)) {
    if (span.end.size() <= level) return std::nullopt;
    greatest = std::min(static_cast<uint8_t>(span.end[level]), kPrintableMax);
    if (greatest <= character) return std::nullopt;
  }
  if (level == varying && level < span.first.size()) {
    const int page = character - static_cast<uint8_t>(span.first[level]);
    if (greatest - character < kPagesToCutMin * page) return std::nullopt;
  }
  std::string split(kept);
  split += static_cast<char>(character + (greatest - character + 1) / 2);
  if (!span.end.empty() && split >= span.end) return std::nullopt;
  return split;
}

}  // namespace

std::optional<KeySplit> SplitKey(const ListedSpan& span) {
  HR_CHECK(!span.last.empty());
  const size_t varying = std::min(CommonSize(span.first, span.last), span.last.size() - 1);
  size_t leftmost = span.prefix.size();
  if (!span.end.empty()) leftmost = std::max(leftmost, CommonSize(span.last, span.end));
  if (leftmost > varying) return std::nullopt;
  size_t rightmost = varying;
  if (span.begin.size() > leftmost + 1) rightmost = std::min(varying, span.begin.size() - 2);
  const size_t middle = (leftmost + rightmost) / 2;
  for (size_t level = middle; level <= varying; ++level) {
    if (auto split = SplitAt(span, level, varying)) return KeySplit{*split, level == varying};
  }
  for (size_t level = middle; level > leftmost; --level) {
    if (auto split = SplitAt(span, level - 1, varying)) return KeySplit{*split, false};
  }
  return std::nullopt;
}

}  // namespace headrace::plan
