// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "headrace/base/error.h"
#include "headrace/format/byte_gatherer.h"
#include "headrace/format/record_reader.h"

namespace headrace::format {

// TFRecord: u64 length, u32 masked CRC32C of the length, payload, u32 masked CRC32C of the payload,
// all little-endian; no file header, so files may be concatenated.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
inline constexpr size_t kTfRecordHeaderBytes = 12;
inline constexpr size_t kTfRecordTrailerBytes = 4;

// A CRC as the format stores it, so that a CRC of bytes that hold CRCs stays sound.
constexpr uint32_t MaskTfRecordCrc(uint32_t crc) {
  return ((crc >> 15U) | (crc << 17U)) + 0xa282ead8U;
}

class TfRecordReader final : public RecordReader {
 public:
  explicit TfRecordReader(const RecordReaderOptions& options) : options_(options) {}

  Result<std::optional<Record>> Next(std::span<const std::byte>& input) override;
  Result<std::optional<Record>> Finish() override;

 private:
  // Fills length_bytes_; false: more input is needed.
  Result<bool> ReadHeader(std::span<const std::byte>& input);
  Result<std::optional<Record>> TakeWhole(std::span<const std::byte>& input);
  Result<std::optional<Record>> PassThrough(std::span<const std::byte>& input);
  Result<std::optional<Record>> Complete(std::span<const std::byte> payload, uint32_t crc,
                                         uint32_t stored);

  RecordReaderOptions options_;
  ByteGatherer gatherer_;
  std::optional<uint64_t> length_bytes_;  // Of the record whose header was read.
  uint64_t passed_bytes_ = 0;             // Of its payload, where payloads are skipped.
  uint32_t passed_crc_ = 0;
  uint64_t index_ = 0;
  uint64_t offset_bytes_ = 0;  // Where the current record began.
};

}  // namespace headrace::format
