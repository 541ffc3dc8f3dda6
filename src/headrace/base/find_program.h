// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace {

// The file that running `name` means: itself when it holds a '/', else the first executable of that
// name in the folders of `path_variable`. kNotFound, or kPermissionDenied when it cannot be
// executed.
enum class EmptyEntry : uint8_t { kIsWorkingDirectory, kIsSkipped };  // Of the variable.
Result<std::string> FindProgram(std::string_view name, std::string_view path_variable,
                                EmptyEntry empty_entry = EmptyEntry::kIsWorkingDirectory);

}  // namespace headrace
