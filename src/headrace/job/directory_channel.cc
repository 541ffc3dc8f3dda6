// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/directory_channel.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "headrace/base/encoding.h"

namespace headrace::job {

namespace fs = std::filesystem;

Result<std::string> DirectoryOf(std::string_view uri) {
  std::optional<std::string> path(uri);
  if (uri.starts_with(kFileScheme)) path = UriDecode(uri.substr(kFileScheme.size()));
  if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' names no directory; write /path or file:///path", uri));
  }
  std::string clean = fs::path(*path).lexically_normal().string();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

Result<DirectoryBinding> PlanDirectory(const ChannelSpec& spec, const std::string& target) {
  const std::string attempt = "channel " + spec.name;
  HR_TRY_ASSIGN(std::string directory, While(attempt, DirectoryOf(spec.s3_uri)));
  std::error_code failure;
  if (!fs::is_directory(directory, failure)) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{}: {} is no directory of this machine", attempt, directory));
  }
  const int needed = R_OK | X_OK | (spec.is_writable ? W_OK : 0);
  if (access(directory.c_str(), needed) != 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("{}: use {}", attempt, directory)));
  }
  const bool is_empty = fs::is_empty(directory, failure);
  if (is_empty && !spec.is_writable) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is empty; is its file system mounted?", attempt, directory));
  }
  if (fs::is_symlink(target, failure) || !fs::is_empty(target, failure)) {
    return Fail(
        ErrorCode::kAlreadyExists,
        fmt::format("{}: {} is in the way of {}; remove it or choose another base directory",
                    attempt, target, directory));
  }
  return DirectoryBinding{
      .directory = std::move(directory), .target = target, .is_writable = spec.is_writable};
}

}  // namespace headrace::job
