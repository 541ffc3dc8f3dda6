// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/store/object_store.h"

namespace headrace {

// One page of a map from keys to objects, as ListObjectsV2 gives it. `info_of` turns a map's value
// into an ObjectInfo. Pure.
template <typename Objects, typename InfoOf>
ListPage PageOfMap(const Objects& objects, const ListRequest& request, InfoOf info_of) {
  // A token is the last entry given, behind a letter that says what it was: everything below a
  // common prefix ("p") has been given with it, a key ("k") only itself.
  const std::string_view token = request.continuation_token;
  std::string_view skipped_prefix;
  std::string_view after = request.start_after;
  if (token.starts_with('p')) skipped_prefix = token.substr(1);
  if (!token.empty()) after = token.substr(1);

  ListPage page;
  auto entry = objects.lower_bound(std::max(std::string_view(request.prefix), after));
  std::string last;
  while (entry != objects.end() && entry->first.starts_with(request.prefix)) {
    const std::string& key = entry->first;
    const bool is_given = (!after.empty() && key == after) ||
                          (!skipped_prefix.empty() && key.starts_with(skipped_prefix));
    if (is_given) {
      ++entry;
      continue;
    }
    if (page.objects.size() + page.common_prefixes.size() == request.key_count_max) {
      if (!last.empty()) page.next_token = std::move(last);
      break;
    }
    const size_t end = request.delimiter.empty()
                           ? std::string::npos
                           : key.find(request.delimiter, request.prefix.size());
    if (end == std::string::npos) {
      page.objects.push_back(info_of(entry->second));
      last = "k" + key;
      ++entry;
      continue;
    }
    const std::string common = key.substr(0, end + request.delimiter.size());
    page.common_prefixes.push_back(common);
    last = "p" + common;
    while (entry != objects.end() && entry->first.starts_with(common)) ++entry;
  }
  return page;
}

}  // namespace headrace
