// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The fields of a tar header (IEEE Std 1003.1-2001, "ustar Interchange Format").
namespace headrace::format {

// The unit that headers and contents are padded to.
inline constexpr size_t kTarBlockBytes = 512;
// An archive ends with two blocks of zeros.
inline constexpr size_t kTarEndBytes = 2 * kTarBlockBytes;

// How many zero bytes stand after contents of `size_bytes`.
constexpr size_t TarPaddingBytes(uint64_t size_bytes) {
  return static_cast<size_t>((kTarBlockBytes - size_bytes % kTarBlockBytes) % kTarBlockBytes);
}

struct TarField {
  size_t offset;
  size_t size_bytes;
};
inline constexpr TarField kTarName{0, 100};
inline constexpr TarField kTarMode{100, 8};
inline constexpr TarField kTarUser{108, 8};
inline constexpr TarField kTarGroup{116, 8};
inline constexpr TarField kTarSize{124, 12};
inline constexpr TarField kTarModified{136, 12};
inline constexpr TarField kTarChecksum{148, 8};
inline constexpr TarField kTarType{156, 1};
inline constexpr TarField kTarLink{157, 100};
inline constexpr TarField kTarMagic{257, 8};
inline constexpr TarField kTarPrefix{345, 155};

inline constexpr std::string_view kTarMagicText("ustar\00000", 8);

inline constexpr char kTarTypeFile = '0';
inline constexpr char kTarTypeSymlink = '2';
inline constexpr char kTarTypeDirectory = '5';
inline constexpr char kTarTypePax = 'x';

}  // namespace headrace::format
