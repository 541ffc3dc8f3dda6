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

// A framed piece of a stream.
struct Record {
  uint64_t index = 0;         // Counted from 0.
  uint64_t offset_bytes = 0;  // Of its first framing byte in the stream.
  uint64_t size_bytes = 0;    // Of the payload.
  // Borrowed until the reader's next call; empty where payloads are skipped.
  std::span<const std::byte> payload;
  // A tar member's path, borrowed likewise; empty in formats without names.
  std::string_view name;
};

struct RecordReaderOptions {
  // A larger record is refused: it would have to be held whole, and a length that is garbage would
  // otherwise ask for all of the machine. RecordIO's own limit is 512 MiB.
  uint64_t record_bytes_max = 1ULL << 30U;
  // Frames (and checksums, where the format has them) are still checked, but payloads are not kept:
  // records of any size pass through in constant memory.
  bool skips_payloads = false;
};

// Cuts a stream that arrives in pieces of any size into records. The same bytes give the same
// records however they are cut into pieces. A payload that lies whole within one piece is handed
// out where it lies; only one that straddles pieces is copied. Threads: one at a time. Memory: at
// most one record.
class RecordReader {
 public:
  RecordReader() = default;
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;
  virtual ~RecordReader() = default;

  // Takes bytes off the front of `input` until a record is complete. Nothing: `input` is used up
  // and more is needed. kCorrupt, naming the record and its offset, for what breaks the format;
  // kResourceExhausted for a record above the limit. After an error the reader is not called again.
  virtual Result<std::optional<Record>> Next(std::span<const std::byte>& input) = 0;

  // The stream is over: the last record, in a format whose end of stream ends a record. kCorrupt
  // when it ended inside one.
  virtual Result<std::optional<Record>> Finish() = 0;
};

// "record 17 at byte 4096", as every error of a reader begins.
std::string RecordPlace(uint64_t index, uint64_t offset_bytes);

// The refusal of a record above RecordReaderOptions::record_bytes_max.
Error RecordTooLarge(const std::string& place, uint64_t size_bytes, uint64_t limit_bytes);

}  // namespace headrace::format
