// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/base/clock.h"

namespace headrace::file {

// A file below a folder or an object below a prefix, as copying and comparing see it.
struct Entry {
  std::string path;  // Below the root, parts separated by '/'; never starts with one.
  uint64_t size_bytes = 0;
  SystemTime modified{};
  std::string etag;  // Of an object; empty for a file.

  bool operator==(const Entry&) const = default;
};

}  // namespace headrace::file
