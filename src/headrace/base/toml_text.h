// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace headrace {

// The number of the first line, from 1, that toml++ cannot be given: a table header "[[" that no
// name follows fails an assertion there, which ends the process. No other line of a table begins
// so, but for one of three arrays within one another, which has to begin on its key's line.
std::optional<size_t> LineWithoutTableName(std::string_view toml);

}  // namespace headrace
