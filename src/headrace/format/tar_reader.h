// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/format/byte_gatherer.h"
#include "headrace/format/record_reader.h"
#include "headrace/format/tar_header.h"

namespace headrace::format {

// The regular files of a tar archive as records: ustar, pax and GNU forms, base-256 sizes. Other
// members are passed over. Archives may stand one after another, as `cat` joins them.
class TarReader final : public RecordReader {
 public:
  explicit TarReader(const RecordReaderOptions& options) : options_(options) {}

  Result<std::optional<Record>> Next(std::span<const std::byte>& input) override;
  Result<std::optional<Record>> Finish() override;

 private:
  // Longer names and attributes are refused: they would be held whole.
  static constexpr uint64_t kAttributeBytesMax = 1ULL << 20U;

  // Reads the next header into block_; false: more input is needed.
  Result<bool> ReadHeader(std::span<const std::byte>& input);
  // The contents of a member that describes the next one.
  Status Learn(std::span<const std::byte> contents);
  // Takes a regular file's contents; nothing: more input is needed.
  std::optional<Record> TakeFile(std::span<const std::byte>& input);
  // Of the contents under way, with their padding.
  uint64_t PaddedBytes() const;
  // The member under way is over.
  void EndMember();
  Error Broken(Error error) const;

  RecordReaderOptions options_;
  ByteGatherer gatherer_;
  std::optional<TarBlock> block_;  // Of the member under way.
  std::string next_name_;          // What came before it as a name of its own; empty: nothing.
  std::optional<uint64_t> next_size_bytes_;
  std::string name_;  // The last record's.
  uint64_t index_ = 0;
  uint64_t position_bytes_ = 0;           // Of the next header.
  std::optional<uint64_t> offset_bytes_;  // Of the first header of the record under way.
};

}  // namespace headrace::format
