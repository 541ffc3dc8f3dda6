// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/format/byte_gatherer.h"
#include "headrace/format/record_reader.h"

namespace headrace::format {

// RecordIO (dmlc, MXNet, SageMaker): u32 magic, u32 of a part kind (3 bits) and a length (29 bits),
// both little-endian, the payload, and zeros up to a multiple of 4 bytes.
// https://github.com/dmlc/dmlc-core/blob/main/include/dmlc/recordio.h
inline constexpr uint32_t kRecordIoMagic = 0xced7230aU;
inline constexpr size_t kRecordIoHeaderBytes = 8;
inline constexpr uint64_t kRecordIoPayloadBytesMax = (1ULL << 29U) - 1;

// What stands before a payload sent as one whole record, the only form that every reader in use
// understands alike (parts are joined in two ways, see RecordIoJoin). `size_bytes` is at most
// kRecordIoPayloadBytesMax.
std::array<std::byte, kRecordIoHeaderBytes> RecordIoHeader(uint64_t size_bytes);

// How many zero bytes stand after a payload.
constexpr size_t RecordIoPaddingBytes(uint64_t size_bytes) {
  return static_cast<size_t>((4 - size_bytes % 4) % 4);
}

// What a record of several parts means. The format's first writer cuts a payload where the magic
// stands at a multiple of 4 and leaves it out, for the reader to put back; SageMaker's readers and
// writers take the parts as they are.
enum class RecordIoJoin : uint8_t {
  kConcatenate,   // SageMaker's.
  kRestoreMagic,  // dmlc's and MXNet's.
};

class RecordIoReader final : public RecordReader {
 public:
  RecordIoReader(const RecordReaderOptions& options, RecordIoJoin join)
      : options_(options), join_(join) {}

  Result<std::optional<Record>> Next(std::span<const std::byte>& input) override;
  Result<std::optional<Record>> Finish() override;

 private:
  enum class Part : uint8_t { kWhole = 0, kFirst = 1, kMiddle = 2, kLast = 3 };
  struct Header {
    Part part = Part::kWhole;
    uint64_t size_bytes = 0;
  };

  Result<std::optional<Header>> ReadHeader(std::span<const std::byte>& input);
  // The payload of the part under way (empty where payloads are skipped), or nothing yet.
  std::optional<std::span<const std::byte>> TakePayload(std::span<const std::byte>& input);
  // Adds a part to the record under way.
  void Join(std::span<const std::byte> payload);
  Record Complete(std::span<const std::byte> payload);

  RecordReaderOptions options_;
  RecordIoJoin join_;
  ByteGatherer gatherer_;
  std::optional<Header> header_;   // Of the part under way.
  std::vector<std::byte> joined_;  // Parts so far, where payloads are kept.
  bool is_given_ = false;          // `joined_` was handed out.
  bool is_in_parts_ = false;       // A first part came and no last one yet.
  uint64_t record_bytes_ = 0;      // Payload of the record so far, restored magic included.
  uint64_t framed_bytes_ = 0;      // The same with frames.
  uint64_t index_ = 0;
  uint64_t offset_bytes_ = 0;  // Where the current record began.
};

}  // namespace headrace::format
