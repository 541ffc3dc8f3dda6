// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/page_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/plan/key_path.h"

namespace headrace::plan {
namespace {

template <typename... Args>
std::unexpected<Error> Corrupt(const ListRequest& request, fmt::format_string<Args...> format,
                               Args&&... args) {
  return Fail(ErrorCode::kCorrupt, fmt::format("list of bucket '{}': {}", request.bucket,
                                               fmt::format(format, std::forward<Args>(args)...)));
}

Status CheckName(const ListRequest& request, std::string_view last, std::string_view name) {
  if (name <= last) {
    return Corrupt(request, "the store gave key '{}' after '{}', not in byte order", ShownKey(name),
                   ShownKey(last));
  }
  if (!name.starts_with(request.prefix)) {
    return Corrupt(request, "the store gave key '{}', which does not start with '{}'",
                   ShownKey(name), ShownKey(request.prefix));
  }
  return Ok();
}

}  // namespace

Status CheckPage(const ListRequest& request, const ListPage& page, PageTrail& trail) {
  std::string_view last_key = trail.last;
  for (const ObjectInfo& object : page.objects) {
    HR_TRY(CheckName(request, last_key, object.key));
    last_key = object.key;
  }
  std::string_view last_prefix = trail.last;
  for (const std::string& prefix : page.common_prefixes) {
    HR_TRY(CheckName(request, last_prefix, prefix));
    last_prefix = prefix;
  }
  const bool is_empty = page.objects.empty() && page.common_prefixes.empty();
  if (is_empty && !page.next_token.empty() && page.next_token == request.continuation_token) {
    return Corrupt(request, "the store gives the same page for ever");
  }
  trail.empty_count = is_empty ? trail.empty_count + 1 : 0;
  if (trail.empty_count > kEmptyPagesMax) {
    return Corrupt(request, "the store gave {} empty pages in a row, and each leads to another",
                   trail.empty_count);
  }
  trail.last = std::string(std::max(last_key, last_prefix));
  return Ok();
}

}  // namespace headrace::plan
