// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

// Everything that lists rests on the order: a store that lists otherwise would lose objects
// silently, or list for ever. Tests a page against its request and gives its last key or common
// prefix, which is `last` when the page is empty. `last` is that of the page before, or empty.
// kCorrupt, with the key: out of byte order, not below the prefix asked for, or a page that leads
// to itself. Pure.
Result<std::string> CheckPage(const ListRequest& request, std::string_view last,
                              const ListPage& page);

}  // namespace headrace::plan
