// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::format {

// What a 512-byte header block of a tar archive says.
struct TarBlock {
  enum class Kind : uint8_t {
    kFile,       // '0', NUL, '7', and what no standard names.
    kOther,      // Directories, links, devices.
    kPax,        // 'x': attributes of the next member.
    kPaxGlobal,  // 'g': attributes of all that follow.
    kGnuName,    // 'L': the next member's name.
    kGnuLink,    // 'K': the next member's link target.
    kGnuSparse,  // 'S': a file with holes, whose contents are not its bytes.
  };

  Kind kind = Kind::kFile;
  std::string name;  // The prefix field included.
  uint64_t size_bytes = 0;
};

// The header in `block` (512 bytes); nothing for a block of zeros, which ends an archive. kCorrupt
// for a wrong checksum or a size that is no number.
Result<std::optional<TarBlock>> ParseTarHeader(std::span<const std::byte> block);

// What a pax header changes of the member after it. Attributes that do not matter here are passed
// over.
struct PaxAttributes {
  std::optional<std::string> path;
  std::optional<uint64_t> size_bytes;
};

// kCorrupt for records that are not "<length> <keyword>=<value>\n".
Result<PaxAttributes> ParsePaxAttributes(std::string_view records);

}  // namespace headrace::format
