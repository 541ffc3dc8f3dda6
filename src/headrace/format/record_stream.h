// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/format/gzip_decoder.h"
#include "headrace/format/record_format.h"
#include "headrace/format/record_reader.h"

namespace headrace::format {

struct RecordStreamOptions {
  // Nothing: found from the first bytes.
  std::optional<RecordFormat> format;
  RecordIoJoin join = RecordIoJoin::kConcatenate;
  RecordReaderOptions reader;
};

// A shard of a format that is not known beforehand, perhaps gzipped: inflates it, finds its format
// from its first bytes, and hands out its records.
// Threads: one at a time. Memory: one record and 256 KiB.
class RecordStream {
 public:
  // Takes a record; false: no more are wanted, and the rest of the stream is not looked at.
  using Consumer = std::function<Result<bool>(const Record&)>;

  RecordStream(const RecordStreamOptions& options, Consumer consumer);
  ~RecordStream();

  // The next bytes of the stream. False: the consumer wants no more.
  Result<bool> Add(std::span<const std::byte> bytes);
  // The stream is over. kCorrupt when that is inside a record; kInvalidArgument for bytes of no
  // known format.
  Status Finish();

  // Once enough bytes came to tell.
  std::optional<RecordFormat> format() const { return format_; }
  bool is_gzipped() const { return gzip_ != nullptr; }

 private:
  Result<bool> AddPlain(std::span<const std::byte> bytes);
  Result<bool> Inflate(std::span<const std::byte> bytes);
  Result<bool> ReadOut(std::span<const std::byte> bytes);
  // Tells the format from what was held back, and hands that out.
  Result<bool> ReadStart();

  RecordStreamOptions options_;
  Consumer consumer_;
  std::vector<std::byte> raw_start_;  // Until it is known whether the stream is gzipped.
  bool is_compression_known_ = false;
  std::unique_ptr<GzipDecoder> gzip_;   // Null: not gzipped.
  std::vector<std::byte> inflated_;     // Room for what the decoder gives.
  std::vector<std::byte> plain_start_;  // Until the format is known.
  std::optional<RecordFormat> format_;
  std::unique_ptr<RecordReader> reader_;
  bool is_stopped_ = false;
};

}  // namespace headrace::format
