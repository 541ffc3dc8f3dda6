// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/encoding.h"
#include "headrace/format/record_reader.h"

namespace headrace::testing {

// A record with its own copies of what a reader lends.
struct ReadRecord {
  uint64_t index = 0;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  std::string payload;
  std::string name;

  bool operator==(const ReadRecord&) const = default;
};

// All records of `stream`, which reaches the reader in pieces: `next_piece_bytes` gives the length
// of each (at least 1). The pieces are copies, so that a reader that keeps a piece is found out.
inline Result<std::vector<ReadRecord>> ReadRecords(
    format::RecordReader& reader, std::string_view stream,
    const std::function<size_t()>& next_piece_bytes) {
  std::vector<ReadRecord> records;
  const auto keep = [&records](const format::Record& record) {
    records.push_back({.index = record.index,
                       .offset_bytes = record.offset_bytes,
                       .size_bytes = record.size_bytes,
                       .payload = std::string(AsText(record.payload)),
                       .name = std::string(record.name)});
  };
  while (!stream.empty()) {
    const std::string piece(stream.substr(0, next_piece_bytes()));
    stream.remove_prefix(piece.size());
    auto rest = AsBytes(piece);
    while (true) {
      HR_TRY_ASSIGN(const auto record, reader.Next(rest));
      if (!record) break;
      keep(*record);
    }
    HR_CHECK(rest.empty());
  }
  HR_TRY_ASSIGN(const auto last, reader.Finish());
  if (last) keep(*last);
  return records;
}

inline Result<std::vector<ReadRecord>> ReadRecords(format::RecordReader& reader,
                                                   std::string_view stream) {
  return ReadRecords(reader, stream, [size = stream.size()] { return std::max<size_t>(size, 1); });
}

}  // namespace headrace::testing
