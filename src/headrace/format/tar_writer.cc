// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tar_writer.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "headrace/base/error.h"

namespace headrace::format {
namespace {

// Eleven octal digits: 8 GiB less one byte, and the year 2242.
constexpr uint64_t kNumberMax = (1ULL << 33U) - 1;

void PutText(std::string& block, TarField field, std::string_view text) {
  text = text.substr(0, field.size_bytes);
  std::ranges::copy(text, block.begin() + static_cast<ptrdiff_t>(field.offset));
}

// Octal digits that fill the field but for the NUL at its end.
void PutNumber(std::string& block, TarField field, uint64_t number) {
  PutText(block, field, fmt::format("{:0{}o}", number, field.size_bytes - 1));
}

std::string UstarHeader(const TarEntry& entry, char type) {
  std::string block(kTarBlockBytes, '\0');
  PutText(block, kTarName, entry.name);
  PutNumber(block, kTarMode, entry.mode & 07777U);
  PutNumber(block, kTarUser, 0);
  PutNumber(block, kTarGroup, 0);
  PutNumber(block, kTarSize, std::min(entry.size_bytes, kNumberMax));
  const auto modified = static_cast<uint64_t>(std::max<int64_t>(entry.modified_seconds, 0));
  PutNumber(block, kTarModified, std::min(modified, kNumberMax));
  PutText(block, kTarType, std::string_view(&type, 1));
  PutText(block, kTarLink, entry.link_target);
  PutText(block, kTarMagic, kTarMagicText);
  // The sum is taken with the checksum field as spaces; it ends in NUL and space.
  PutText(block, kTarChecksum, "        ");
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  PutText(block, kTarChecksum, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return block;
}

// "<length> <keyword>=<value>\n", where the length counts its own digits too.
std::string PaxRecord(std::string_view keyword, std::string_view value) {
  const std::string rest = fmt::format(" {}={}\n", keyword, value);
  size_t length = rest.size() + 1;
  while (fmt::formatted_size("{}", length) + rest.size() != length) ++length;
  return fmt::format("{}{}", length, rest);
}

std::string PaxHeader(const TarEntry& entry) {
  std::string records;
  if (entry.name.size() > kTarName.size_bytes) records += PaxRecord("path", entry.name);
  if (entry.link_target.size() > kTarLink.size_bytes) {
    records += PaxRecord("linkpath", entry.link_target);
  }
  if (entry.size_bytes > kNumberMax) {
    records += PaxRecord("size", fmt::format("{}", entry.size_bytes));
  }
  if (records.empty()) return records;
  const TarEntry pax{.name = "pax-header", .size_bytes = records.size()};
  const size_t padding = TarPaddingBytes(records.size());
  return UstarHeader(pax, kTarTypePax) + records + std::string(padding, '\0');
}

char TypeOf(TarEntry::Kind kind) {
  switch (kind) {
    case TarEntry::Kind::kFile:
      return kTarTypeFile;
    case TarEntry::Kind::kDirectory:
      return kTarTypeDirectory;
    case TarEntry::Kind::kSymlink:
      return kTarTypeSymlink;
  }
  return kTarTypeFile;
}

}  // namespace

std::string TarHeader(const TarEntry& entry) {
  HR_CHECK(entry.kind == TarEntry::Kind::kFile || entry.size_bytes == 0);
  return PaxHeader(entry) + UstarHeader(entry, TypeOf(entry.kind));
}

}  // namespace headrace::format
