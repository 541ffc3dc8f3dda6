// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"

namespace headrace::job {

// A directory of this machine that the command finds at another path. See docs/decisions/0031.
struct DirectoryBinding {
  std::string directory;  // Absolute.
  std::string target;     // An existing folder.
  bool is_writable = false;

  bool operator==(const DirectoryBinding&) const = default;
};

// Gives the calling thread, which must be about to end, a mount namespace of its own with the
// bindings in it; processes that it starts share it. kPermissionDenied where the kernel does not
// let this user mount.
Status BindInThisThread(std::span<const DirectoryBinding> bindings);

// Whether the bindings can be made: makes them on a thread that ends at once, and with them.
Status TryBindings(std::span<const DirectoryBinding> bindings);

// Symbolic links in place of bindings, for users who may not mount. They go with this object.
class DirectoryLinks {
 public:
  DirectoryLinks() = default;
  DirectoryLinks(DirectoryLinks&&) noexcept = default;
  DirectoryLinks& operator=(DirectoryLinks&& other) noexcept {
    links_.swap(other.links_);
    return *this;
  }
  // Leaves empty folders in their places.
  ~DirectoryLinks();

  // Puts links into the places of the targets, which are empty folders.
  static Result<DirectoryLinks> Make(std::span<const DirectoryBinding> bindings);

 private:
  std::vector<std::string> links_;
};

// Removes a link that a killed process left in the place of a channel's folder; leaves everything
// else alone, also links that are the user's own.
void RemoveLeftLink(const std::string& target);

}  // namespace headrace::job
