// SPDX-License-Identifier: Apache-2.0
// usage: parse_records [ROUNDS]
//
// Parses 256 MiB of records of 100 KiB in memory, in pieces of 8 MiB as fetched parts come,
// and prints, as one line of JSON, the median rate of each format beside that of memcpy over the
// same bytes. One thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/format/record_format.h"
#include "headrace/format/record_io.h"
#include "headrace/format/tar_writer.h"
#include "headrace/format/tf_record.h"

namespace {

using headrace::AsBytes;
using headrace::format::RecordFormat;

constexpr size_t kRecordBytes = 100U << 10U;  // A multiple of every format's padding.
constexpr size_t kStreamBytes = 256U << 20U;
constexpr size_t kPieceBytes = 8U << 20U;
constexpr size_t kRecords = kStreamBytes / kRecordBytes;

template <typename T>
void AddNumber(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

std::string StreamOf(RecordFormat format, const std::string& payload) {
  std::string out;
  out.reserve(kStreamBytes + kStreamBytes / 64);
  for (size_t i = 0; i < kRecords; ++i) {
    if (format == RecordFormat::kRecordIo) {
      const auto header = headrace::format::RecordIoHeader(payload.size());
      out += headrace::AsText(header);
      out += payload;
    } else if (format == RecordFormat::kTfRecord) {
      const size_t begin = out.size();
      AddNumber<uint64_t>(out, payload.size());
      const std::string length = out.substr(begin);
      AddNumber(out, headrace::format::MaskTfRecordCrc(headrace::Crc32c(AsBytes(length))));
      out += payload;
      AddNumber(out, headrace::format::MaskTfRecordCrc(headrace::Crc32c(AsBytes(payload))));
    } else {
      out += headrace::format::TarHeader(
          {.name = fmt::format("{:08}.jpg", i), .size_bytes = payload.size()});
      out += payload;
    }
  }
  return out;
}

double ParseSeconds(RecordFormat format, const std::string& stream) {
  const auto begin = std::chrono::steady_clock::now();
  const auto reader = headrace::format::MakeRecordReader(format, {});
  size_t found = 0;
  for (size_t at = 0; at < stream.size(); at += kPieceBytes) {
    std::span<const std::byte> piece =
        AsBytes(stream).subspan(at, std::min(kPieceBytes, stream.size() - at));
    while (true) {
      const auto record = reader->Next(piece);
      if (!record) std::exit(1);
      if (!*record) break;
      ++found;
    }
  }
  if (found != kRecords) std::exit(1);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double CopySeconds(const std::string& stream, std::vector<char>& target) {
  const auto begin = std::chrono::steady_clock::now();
  for (size_t at = 0; at < stream.size(); at += kPieceBytes) {
    std::memcpy(target.data() + at, stream.data() + at, std::min(kPieceBytes, stream.size() - at));
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  headrace::Random random(1);
  std::string payload(kRecordBytes, '\0');
  for (char& byte : payload) byte = static_cast<char>(random.Next());
  fmt::print("{{");
  for (const auto format : {RecordFormat::kRecordIo, RecordFormat::kTfRecord, RecordFormat::kTar}) {
    const std::string stream = StreamOf(format, payload);
    std::vector<char> target(stream.size());
    std::vector<double> parse;
    std::vector<double> copy;
    for (int round = 0; round <= rounds; ++round) {
      const double parse_seconds = ParseSeconds(format, stream);
      const double copy_seconds = CopySeconds(stream, target);
      if (round == 0) continue;  // Pages are touched for the first time.
      parse.push_back(static_cast<double>(stream.size()) / parse_seconds);
      copy.push_back(static_cast<double>(stream.size()) / copy_seconds);
    }
    fmt::print("{}\"{}\": {{\"parse_bytes_per_s\": {:.0f}, \"memcpy_bytes_per_s\": {:.0f}}}",
               format == RecordFormat::kRecordIo ? "" : ", ",
               headrace::format::RecordFormatName(format), Median(parse), Median(copy));
  }
  fmt::print("}}\n");
  return 0;
}
