// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/base/error.h"

// Removal that stays below a folder: a symbolic link on the way may lead to anything.
namespace headrace::file {

// True when a folder on the way from `root` to `path` (below it, its parts separated by '/') is a
// symbolic link. `root` and the last part may be links themselves.
bool IsBehindLink(const std::string& root, const std::string& path);

// Unlinks the file or link `path` below `root`, then the folders on the way that this emptied, but
// never `root`. Follows no link, even one that appears meanwhile.
Status RemoveBelow(const std::string& root, const std::string& path);

}  // namespace headrace::file
