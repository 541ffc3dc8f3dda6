// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/remove_below.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/unique_fd.h"

namespace headrace::file {
namespace {

// The folders from the root to the last part's, opened one in the other.
struct Way {
  std::vector<UniqueFd> folders;   // One more than `names`.
  std::vector<std::string> names;  // Of the folders below the root.
  std::string last;
  int os_error = 0;  // Why the way ended early; 0: it did not.
};

Way Walk(const std::string& root, std::string_view path) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  Way way;
  way.folders.emplace_back(open(root.empty() ? "." : root.c_str(), kFlags));
  while (way.folders.back().is_open()) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) {
      way.last = path;
      return way;
    }
    way.names.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
    way.folders.emplace_back(
        openat(way.folders.back().get(), way.names.back().c_str(), kFlags | O_NOFOLLOW));
  }
  way.os_error = errno;
  return way;
}

}  // namespace

bool IsBehindLink(const std::string& root, const std::string& path) {
  // With O_DIRECTORY and O_NOFOLLOW a link is "not a directory" to the kernel, or a loop.
  const int os_error = Walk(root, path).os_error;
  return os_error == ENOTDIR || os_error == ELOOP;
}

Status RemoveBelow(const std::string& root, const std::string& path) {
  const Way way = Walk(root, path);
  if (way.os_error != 0 || unlinkat(way.folders.back().get(), way.last.c_str(), 0) != 0) {
    const int os_error = way.os_error != 0 ? way.os_error : errno;
    return std::unexpected(Error::FromErrno(os_error, fmt::format("delete {}/{}", root, path)));
  }
  for (size_t i = way.names.size(); i-- > 0;) {
    if (unlinkat(way.folders[i].get(), way.names[i].c_str(), AT_REMOVEDIR) != 0) break;
  }
  return Ok();
}

}  // namespace headrace::file
