// SPDX-License-Identifier: Apache-2.0
// A line of an augmented manifest, behind a line of the attributes' names.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "headrace/base/error.h"
#include "headrace/plan/augmented_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  std::string_view text = headrace::fuzz::TextOf(bytes, size_bytes);
  const size_t names_end = std::min(text.find('\n'), text.size());
  std::vector<std::string> names;
  std::string_view rest = text.substr(0, names_end);
  while (names.size() < 16) {
    const size_t comma = std::min(rest.find(','), rest.size());
    names.emplace_back(rest.substr(0, comma));
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  text.remove_prefix(std::min(names_end + 1, text.size()));
  headrace::plan::AugmentedLineParser parser(names);
  const auto values = parser.Parse(text);
  if (!values) {
    HR_CHECK(!values.error().message().empty());
    return 0;
  }
  HR_CHECK(values->size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const headrace::plan::AttributeValue& value = (*values)[i];
    HR_CHECK(value.object.has_value() == names[i].ends_with("-ref"));
    HR_CHECK(!value.json.empty());
    if (value.object) HR_CHECK(!value.object->bucket.empty() && !value.object->key.empty());
  }
  // A parser gives the same for a line whatever it has read before.
  const auto again = parser.Parse(text);
  HR_CHECK(again.has_value() && again->front().json == values->front().json);
  return 0;
}
