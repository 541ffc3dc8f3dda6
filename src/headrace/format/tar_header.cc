// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tar_header.h"

#include <algorithm>
#include <charconv>

#include "headrace/base/encoding.h"
#include "headrace/format/tar_layout.h"

namespace headrace::format {
namespace {

using Kind = TarBlock::Kind;

// A field's text up to its first NUL.
std::string_view TextOf(std::string_view block, TarField field) {
  const std::string_view text = block.substr(field.offset, field.size_bytes);
  return text.substr(0, text.find('\0'));
}

// Octal digits between spaces, or, with the top bit set, the rest of the field as a big-endian
// number (GNU's form for sizes of 8 GiB and more).
std::optional<uint64_t> NumberOf(std::string_view block, TarField field) {
  const std::string_view raw = block.substr(field.offset, field.size_bytes);
  if ((static_cast<unsigned char>(raw.front()) & 0x80U) != 0) {
    uint64_t number = static_cast<unsigned char>(raw.front()) & 0x7fU;
    for (const char c : raw.substr(1)) {
      if ((number >> 55U) != 0) return std::nullopt;
      number = number << 8U | static_cast<unsigned char>(c);
    }
    return number;
  }
  std::string_view digits = TextOf(block, field);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  if (digits.empty()) return 0;
  uint64_t number = 0;
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// The sum of the block's bytes with the checksum field as spaces. Some old writers added signed
// bytes; both sums are accepted everywhere.
bool HasItsChecksum(std::string_view block) {
  const auto stored = NumberOf(block, kTarChecksum);
  if (!stored) return false;
  int64_t unsigned_sum = 0;
  int64_t signed_sum = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    const bool is_sum = i - kTarChecksum.offset < kTarChecksum.size_bytes;
    const char c = is_sum ? ' ' : block[i];
    unsigned_sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  const auto sum = static_cast<int64_t>(*stored);
  return sum == unsigned_sum || sum == signed_sum;
}

Kind KindOf(char type, std::string_view name) {
  switch (type) {
    case '\0':
    case kTarTypeFile:
      return name.ends_with('/') ? Kind::kOther : Kind::kFile;
    case '1':
    case kTarTypeSymlink:
    case '3':
    case '4':
    case kTarTypeDirectory:
    case '6':
      return Kind::kOther;
    case kTarTypePax:
      return Kind::kPax;
    case 'g':
      return Kind::kPaxGlobal;
    case 'L':
      return Kind::kGnuName;
    case 'K':
      return Kind::kGnuLink;
    case 'S':
      return Kind::kGnuSparse;
    default:
      return Kind::kFile;
  }
}

}  // namespace

Result<std::optional<TarBlock>> ParseTarHeader(std::span<const std::byte> bytes) {
  HR_CHECK(bytes.size() == kTarBlockBytes);
  const std::string_view block = AsText(bytes);
  if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) return std::nullopt;
  if (!HasItsChecksum(block)) {
    return Fail(ErrorCode::kCorrupt,
                "its header breaks its checksum; this is not a tar archive, or it is damaged or "
                "compressed");
  }
  const auto size_bytes = NumberOf(block, kTarSize);
  if (!size_bytes) return Fail(ErrorCode::kCorrupt, "its size is not a number");
  TarBlock header{.name = std::string(TextOf(block, kTarName)), .size_bytes = *size_bytes};
  // GNU's own magic ("ustar  ") means other fields where POSIX has the prefix.
  if (block.substr(kTarMagic.offset, kTarMagicText.size()) == kTarMagicText) {
    const std::string_view prefix = TextOf(block, kTarPrefix);
    if (!prefix.empty()) header.name = std::string(prefix) + "/" + header.name;
  }
  header.kind = KindOf(block[kTarType.offset], header.name);
  // A link's size is not that of contents: none follow.
  const char type = block[kTarType.offset];
  if (header.kind == Kind::kOther && type != '\0' && type != kTarTypeFile) header.size_bytes = 0;
  return header;
}

Result<PaxAttributes> ParsePaxAttributes(std::string_view records) {
  const auto broken = [] { return Fail(ErrorCode::kCorrupt, "its pax header breaks the format"); };
  PaxAttributes attributes;
  while (!records.empty()) {
    size_t length = 0;
    const char* const end = records.data() + records.size();
    const auto [after, problem] = std::from_chars(records.data(), end, length);
    const auto digits = static_cast<size_t>(after - records.data());
    if (problem != std::errc() || length > records.size() || length < digits + 3) return broken();
    const std::string_view record = records.substr(0, length);
    const size_t equals = record.find('=');
    if (record[digits] != ' ' || record.back() != '\n' || equals == std::string_view::npos) {
      return broken();
    }
    const std::string_view keyword = record.substr(digits + 1, equals - digits - 1);
    const std::string_view value = record.substr(equals + 1, record.size() - equals - 2);
    if (keyword == "path") attributes.path = std::string(value);
    if (keyword == "size") {
      uint64_t size_bytes = 0;
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), size_bytes);
      if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) return broken();
      attributes.size_bytes = size_bytes;
    }
    if (keyword.starts_with("GNU.sparse.")) {
      return Fail(ErrorCode::kUnsupported,
                  "it is a sparse file, whose bytes are not in order; write the archive without "
                  "--sparse");
    }
    records.remove_prefix(length);
  }
  return attributes;
}

}  // namespace headrace::format
