// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "headrace/base/crc.h"
#include "headrace/format/line_reader.h"
#include "headrace/format/little_endian.h"
#include "headrace/format/tar_header.h"
#include "headrace/format/tar_layout.h"
#include "headrace/format/tar_reader.h"
#include "headrace/format/tf_record.h"

namespace headrace::format {
namespace {

constexpr std::array<std::pair<RecordFormat, std::string_view>, 4> kNames{{
    {RecordFormat::kRecordIo, "recordio"},
    {RecordFormat::kTfRecord, "tfrecord"},
    {RecordFormat::kTar, "tar"},
    {RecordFormat::kLines, "lines"},
}};

bool IsTfRecord(std::span<const std::byte> start) {
  if (start.size() < kTfRecordHeaderBytes) return false;
  const auto length = start.first(sizeof(uint64_t));
  return LittleEndian<uint32_t>(start, length.size()) == MaskTfRecordCrc(Crc32c(length));
}

bool IsTar(std::span<const std::byte> start) {
  if (start.size() < kTarBlockBytes) return false;
  const auto header = ParseTarHeader(start.first(kTarBlockBytes));
  return header.has_value();
}

// Text has no control characters but tabs, line ends and form feeds.
bool IsText(std::span<const std::byte> start) {
  return std::ranges::none_of(start, [](std::byte byte) {
    const auto c = std::to_integer<unsigned>(byte);
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
}

}  // namespace

std::string_view RecordFormatName(RecordFormat format) {
  for (const auto& [value, name] : kNames) {
    if (value == format) return name;
  }
  return "";
}

std::optional<RecordFormat> ParseRecordFormat(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (name == known) return value;
  }
  return std::nullopt;
}

std::optional<RecordFormat> DetectRecordFormat(std::span<const std::byte> start) {
  if (start.size() >= kRecordIoHeaderBytes && LittleEndian<uint32_t>(start) == kRecordIoMagic) {
    return RecordFormat::kRecordIo;
  }
  if (IsTfRecord(start)) return RecordFormat::kTfRecord;
  if (IsTar(start)) return RecordFormat::kTar;
  if (IsText(start)) return RecordFormat::kLines;
  return std::nullopt;
}

bool IsGzip(std::span<const std::byte> start) {
  return start.size() >= 2 && start[0] == std::byte{0x1f} && start[1] == std::byte{0x8b};
}

std::unique_ptr<RecordReader> MakeRecordReader(RecordFormat format,
                                               const RecordReaderOptions& options,
                                               RecordIoJoin join) {
  switch (format) {
    case RecordFormat::kRecordIo:
      return std::make_unique<RecordIoReader>(options, join);
    case RecordFormat::kTfRecord:
      return std::make_unique<TfRecordReader>(options);
    case RecordFormat::kTar:
      return std::make_unique<TarReader>(options);
    case RecordFormat::kLines:
      return std::make_unique<LineReader>(options);
  }
  return nullptr;
}

}  // namespace headrace::format
