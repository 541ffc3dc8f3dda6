// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

// What the pages of one listing have shown so far.
struct PageTrail {
  std::string last;          // The last key or common prefix.
  uint32_t empty_count = 0;  // Pages without either, one after the other.
};

// A store may give empty pages while it passes over what was deleted: so many in a row, of up to a
// thousand keys passed over each, are a listing that never ends.
inline constexpr uint32_t kEmptyPagesMax = 10'000;

// Everything that lists rests on the order: a store that lists otherwise would lose objects
// silently, or list for ever. Tests a page against its request and the pages before it, and adds it
// to them. kCorrupt, with the key: out of byte order, not below the prefix asked for, a page that
// leads to itself, or too many empty ones. Pure.
Status CheckPage(const ListRequest& request, const ListPage& page, PageTrail& trail);

}  // namespace headrace::plan
