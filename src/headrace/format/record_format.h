// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "headrace/format/record_io.h"
#include "headrace/format/record_reader.h"

namespace headrace::format {

enum class RecordFormat : uint8_t { kRecordIo, kTfRecord, kTar, kLines };

// "recordio", "tfrecord", "tar", "lines": as users write and read them.
std::string_view RecordFormatName(RecordFormat format);
std::optional<RecordFormat> ParseRecordFormat(std::string_view name);

// How many bytes from a stream's start tell its format.
inline constexpr size_t kFormatSampleBytes = 512;

// What a stream is, by its first bytes (as many as there are of kFormatSampleBytes): lines where it
// begins as text does; nothing for bytes of no known format.
std::optional<RecordFormat> DetectRecordFormat(std::span<const std::byte> start);

// Whether a stream begins as gzip files do.
bool IsGzip(std::span<const std::byte> start);

std::unique_ptr<RecordReader> MakeRecordReader(RecordFormat format,
                                               const RecordReaderOptions& options,
                                               RecordIoJoin join = RecordIoJoin::kConcatenate);

}  // namespace headrace::format
