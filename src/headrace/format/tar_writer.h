// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "headrace/format/tar_layout.h"

namespace headrace::format {

// A member of a tar archive, before its contents.
struct TarEntry {
  enum class Kind : uint8_t { kFile, kDirectory, kSymlink };

  Kind kind = Kind::kFile;
  std::string name;              // Relative, with '/' between parts.
  uint64_t size_bytes = 0;       // Of the contents; 0 for all but files.
  uint32_t mode = 0644;          // Permission bits.
  int64_t modified_seconds = 0;  // Since 1970-01-01T00:00:00Z; what is before counts as 0.
  std::string link_target;       // Of a symlink.
};

// What stands before a member's contents: its POSIX ustar header (IEEE Std 1003.1-2001, "ustar
// Interchange Format"), preceded by a pax header where ustar has no room for a name, a link or a
// size. Owners are left at 0, so that equal trees give equal archives.
std::string TarHeader(const TarEntry& entry);

}  // namespace headrace::format
