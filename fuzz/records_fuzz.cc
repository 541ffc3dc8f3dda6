// SPDX-License-Identifier: Apache-2.0
// Shards as they come from a store: RecordIO with both joins, TFRecord, tar, lines, gzipped or not.
// The first byte chooses the format, the second how the rest is cut into pieces. However it is cut,
// the records and the end are the same.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/fuzz_input.h"
#include "headrace/base/encoding.h"
#include "headrace/base/error.h"
#include "headrace/format/record_stream.h"

namespace {

using headrace::Error;
using headrace::Result;
using headrace::Status;
using headrace::format::Record;
using headrace::format::RecordFormat;
using headrace::format::RecordIoJoin;
using headrace::format::RecordStream;
using headrace::format::RecordStreamOptions;

// Of a record, and of what gzip may make of an input: fuzzing looks for wrong answers, not for
// room.
constexpr uint64_t kRecordBytesMax = 1ULL << 20U;
constexpr uint64_t kReadBytesMax = 16ULL << 20U;

struct Seen {
  uint64_t records = 0;
  size_t digest = 0;
  std::string end;  // An error's message, or nothing.
  bool is_too_much = false;

  bool operator==(const Seen&) const = default;
};

Seen ReadAll(std::string_view text, size_t piece_bytes, const RecordStreamOptions& options) {
  Seen seen;
  uint64_t read_bytes = 0;
  const auto take = [&](const Record& record) -> Result<bool> {
    HR_CHECK(record.index >= seen.records);  // Lines count blank ones.
    HR_CHECK(options.reader.skips_payloads || record.payload.size() == record.size_bytes);
    ++seen.records;
    const std::hash<std::string_view> hash;
    seen.digest = seen.digest * 31 + hash(headrace::AsText(record.payload)) + hash(record.name) +
                  record.size_bytes + record.offset_bytes;
    read_bytes += record.size_bytes + 1;
    seen.is_too_much = read_bytes > kReadBytesMax;
    return !seen.is_too_much;
  };
  RecordStream stream(options, take);
  const auto rest = headrace::AsBytes(text);
  Result<bool> wants_more = true;
  for (size_t begin = 0; begin < rest.size() && wants_more && *wants_more; begin += piece_bytes) {
    wants_more = stream.Add(rest.subspan(begin, std::min(piece_bytes, rest.size() - begin)));
  }
  const Status ended = !wants_more   ? Status(std::unexpected(wants_more.error()))
                       : *wants_more ? stream.Finish()
                                     : Status();
  if (!ended) seen.end = ended.error().message();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  if (size_bytes < 2) return 0;
  constexpr std::array<std::optional<RecordFormat>, 5> kFormats{
      std::nullopt, RecordFormat::kRecordIo, RecordFormat::kTfRecord, RecordFormat::kTar,
      RecordFormat::kLines};
  RecordStreamOptions options;
  options.format = kFormats[bytes[0] % kFormats.size()];
  options.join = (bytes[0] & 0x40U) != 0 ? RecordIoJoin::kRestoreMagic : RecordIoJoin::kConcatenate;
  options.reader.record_bytes_max = kRecordBytesMax;
  options.reader.skips_payloads = (bytes[0] & 0x80U) != 0;
  const std::string_view text = headrace::fuzz::TextOf(bytes + 2, size_bytes - 2);
  const size_t piece_bytes = bytes[1] % 64 + size_t{1};
  const Seen whole = ReadAll(text, std::max<size_t>(text.size(), 1), options);
  const Seen cut = ReadAll(text, piece_bytes, options);
  HR_CHECK(whole.is_too_much || whole == cut);
  return 0;
}
