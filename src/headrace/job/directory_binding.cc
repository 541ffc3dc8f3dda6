// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/directory_binding.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace headrace::job {
namespace {

namespace fs = std::filesystem;

// What targets of our links begin with: the same directory, in a way nobody writes it.
constexpr std::string_view kLinkMark = "/.";

std::unexpected<Error> FailureOf(std::string_view attempt) {
  return std::unexpected(Error::FromErrno(errno, attempt));
}

Status Bind(const DirectoryBinding& binding) {
  const std::string attempt = fmt::format("mount {} at {}", binding.directory, binding.target);
  if (mount(binding.directory.c_str(), binding.target.c_str(), nullptr, MS_BIND | MS_REC,
            nullptr) != 0) {
    return FailureOf(attempt);
  }
  if (binding.is_writable) return Ok();
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(AT_FDCWD, binding.target.c_str(), AT_RECURSIVE, &attributes,
                    sizeof(attributes)) != 0) {
    return FailureOf(attempt + " read-only");
  }
  return Ok();
}

}  // namespace

Status BindInThisThread(std::span<const DirectoryBinding> bindings) {
  if (unshare(CLONE_NEWNS) != 0) return FailureOf("make a mount namespace");
  // From the machine's mounts to ours, never back.
  if (mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) {
    return FailureOf("separate the mount namespace");
  }
  for (const DirectoryBinding& binding : bindings) HR_TRY(Bind(binding));
  return Ok();
}

Status TryBindings(std::span<const DirectoryBinding> bindings) {
  Status tried;
  std::thread([&] { tried = BindInThisThread(bindings); }).join();
  return tried;
}

Result<DirectoryLinks> DirectoryLinks::Make(std::span<const DirectoryBinding> bindings) {
  DirectoryLinks made;
  for (const DirectoryBinding& binding : bindings) {
    const std::string link_target = fmt::format("{}{}", kLinkMark, binding.directory);
    if (rmdir(binding.target.c_str()) != 0 ||
        symlink(link_target.c_str(), binding.target.c_str()) != 0) {
      return FailureOf(fmt::format("put a link to {} at {}", binding.directory, binding.target));
    }
    made.links_.push_back(binding.target);
  }
  return made;
}

DirectoryLinks::~DirectoryLinks() {
  for (const std::string& link : links_) {
    RemoveLeftLink(link);
    std::error_code ignored;
    fs::create_directory(link, ignored);
  }
}

void RemoveLeftLink(const std::string& target) {
  std::array<char, 4> start{};
  const ssize_t size = readlink(target.c_str(), start.data(), start.size());
  if (size < 0) return;
  const std::string_view text(start.data(), static_cast<size_t>(size));
  if (text.starts_with(std::string(kLinkMark) + "/")) unlink(target.c_str());
}

}  // namespace headrace::job
