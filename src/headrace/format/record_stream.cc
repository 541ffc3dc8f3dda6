// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_stream.h"

#include <algorithm>
#include <utility>

namespace headrace::format {
namespace {

constexpr size_t kInflatedBytes = 256UL << 10U;
constexpr size_t kGzipMagicBytes = 2;

// Moves bytes from `bytes` to `start` until it holds `wanted`. False: it does not yet.
bool FillStart(std::vector<std::byte>& start, std::span<const std::byte>& bytes, size_t wanted) {
  const auto taken = bytes.first(std::min(bytes.size(), wanted - std::min(wanted, start.size())));
  start.insert(start.end(), taken.begin(), taken.end());
  bytes = bytes.subspan(taken.size());
  return start.size() >= wanted;
}

}  // namespace

RecordStream::RecordStream(const RecordStreamOptions& options, Consumer consumer)
    : options_(options), consumer_(std::move(consumer)) {}

RecordStream::~RecordStream() = default;

Result<bool> RecordStream::Add(std::span<const std::byte> bytes) {
  if (is_stopped_) return false;
  if (!is_compression_known_) {
    if (!FillStart(raw_start_, bytes, kGzipMagicBytes)) return true;
    is_compression_known_ = true;
    if (IsGzip(raw_start_)) {
      gzip_ = std::make_unique<GzipDecoder>();
      inflated_.resize(kInflatedBytes);
    }
    const auto start = std::exchange(raw_start_, {});
    HR_TRY_ASSIGN(const bool goes_on, Add(start));
    if (!goes_on) return false;
  }
  return gzip_ ? Inflate(bytes) : AddPlain(bytes);
}

Result<bool> RecordStream::Inflate(std::span<const std::byte> bytes) {
  while (true) {
    HR_TRY_ASSIGN(const GzipDecoder::Step step, gzip_->Decode(bytes, inflated_));
    bytes = bytes.subspan(step.taken_bytes);
    HR_TRY_ASSIGN(const bool goes_on, AddPlain(std::span(inflated_).first(step.given_bytes)));
    if (!goes_on || (step.given_bytes < inflated_.size() && bytes.empty())) return goes_on;
  }
}

Result<bool> RecordStream::AddPlain(std::span<const std::byte> bytes) {
  if (!reader_) {
    if (!FillStart(plain_start_, bytes, kFormatSampleBytes)) return true;
    HR_TRY_ASSIGN(const bool goes_on, ReadStart());
    if (!goes_on) return false;
  }
  return ReadOut(bytes);
}

Result<bool> RecordStream::ReadStart() {
  format_ = options_.format ? options_.format : DetectRecordFormat(plain_start_);
  if (!format_) {
    return Fail(ErrorCode::kInvalidArgument,
                "its first bytes are of no known record format; name the format if it is one of "
                "recordio, tfrecord, tar, lines");
  }
  reader_ = MakeRecordReader(*format_, options_.reader, options_.join);
  const auto start = std::exchange(plain_start_, {});
  return ReadOut(start);
}

Result<bool> RecordStream::ReadOut(std::span<const std::byte> bytes) {
  while (true) {
    HR_TRY_ASSIGN(const auto record, reader_->Next(bytes));
    if (!record) return true;
    HR_TRY_ASSIGN(const bool goes_on, consumer_(*record));
    if (!goes_on) {
      is_stopped_ = true;
      return false;
    }
  }
}

Status RecordStream::Finish() {
  if (is_stopped_) return Ok();
  if (gzip_) HR_TRY(gzip_->Finish());
  // A stream of fewer bytes than the magic was held back whole.
  if (!is_compression_known_) plain_start_ = std::exchange(raw_start_, {});
  if (!reader_) {
    if (plain_start_.empty() && !options_.format) return Ok();
    HR_TRY_ASSIGN(const bool goes_on, ReadStart());
    if (!goes_on) return Ok();
  }
  HR_TRY_ASSIGN(const auto last, reader_->Finish());
  if (last) HR_TRY(consumer_(*last));
  return Ok();
}

}  // namespace headrace::format
