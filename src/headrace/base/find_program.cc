// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/find_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace headrace {
namespace {

bool IsExecutableFile(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::string> FindProgram(std::string_view name, std::string_view path_variable,
                                EmptyEntry empty_entry) {
  bool is_there = false;
  const auto usable = [&](const std::string& path) {
    is_there = is_there || access(path.c_str(), F_OK) == 0;
    return IsExecutableFile(path);
  };
  std::string shown(name);
  if (name.find('/') != std::string_view::npos) {
    if (usable(shown)) return shown;
  } else {
    // An empty entry is the working directory, as execvp(3) has it.
    for (std::string_view rest = path_variable;;) {
      const size_t colon = rest.find(':');
      const std::string_view folder = rest.substr(0, colon);
      std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
      const bool is_skipped = folder.empty() && empty_entry == EmptyEntry::kIsSkipped;
      if (!is_skipped && usable(path)) return path;
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  }
  if (is_there) {
    return Fail(ErrorCode::kPermissionDenied, fmt::format("command {} is not executable", shown));
  }
  return Fail(ErrorCode::kNotFound,
              fmt::format("command {} not found{}", shown,
                          name.contains('/') ? "" : "; install it or extend PATH"));
}

}  // namespace headrace
