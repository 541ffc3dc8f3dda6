// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/uri_text.h"

namespace headrace {

std::string BlankUser(std::string_view uri) {
  // The last: a password that is not encoded may hold any character, '@' and '/' among them.
  const size_t at = uri.rfind('@');
  if (at == std::string_view::npos) return std::string(uri);
  constexpr std::string_view kMark = "://";
  const size_t mark = uri.substr(0, at).find(kMark);
  const size_t begin = mark == std::string_view::npos ? 0 : mark + kMark.size();
  return std::string(uri.substr(0, begin)) + "***" + std::string(uri.substr(at));
}

}  // namespace headrace
