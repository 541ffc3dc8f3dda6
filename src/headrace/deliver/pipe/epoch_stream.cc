// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/epoch_stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/plan/key_path.h"
#include "headrace/store/s3_uri.h"

namespace headrace::pipe {
namespace {

// What is inflated before it is written: a few pipes' worth.
constexpr size_t kInflatedPieceBytes = 256U << 10U;
constexpr std::array<std::byte, 4> kPadding{};

}  // namespace

EpochStream::EpochStream(fetch::Fetcher& fetcher, ItemSource items, PipeFraming framing,
                         const CallContext& context)
    : items_(std::move(items)),
      framing_(framing),
      queue_(context.stop),
      reader_(fetcher, [this] { return PlanNext(); }, context) {}

Result<std::optional<fetch::PlannedRead>> EpochStream::PlanNext() {
  while (true) {
    Result<std::optional<PipeItem>> item = items_();
    if (!item || !*item) {
      queue_.End(item ? Ok() : Status(std::unexpected(item.error())));
      if (!item) return std::unexpected(std::move(item).error());
      return std::nullopt;
    }
    std::optional<fetch::PlannedRead>& read = (*item)->read;
    QueuedItem queued{.is_read = read.has_value(), .bytes = std::move((*item)->bytes)};
    queued.size_bytes = read ? read->range.size_bytes() : queued.bytes.size();
    if (read) {
      queued.bucket = read->bucket;
      queued.key = read->key;
    }
    if (!queue_.Push(std::move(queued))) return Fail(ErrorCode::kCancelled, "reading cancelled");
    if (read) return std::move(read);
  }
}

Result<std::span<const iovec>> EpochStream::Next() {
  piece_count_ = 0;
  while (piece_count_ == 0) {
    if (!item_) {
      LetPartGo();
      HR_TRY_ASSIGN(item_, queue_.Pop());
      if (!item_) break;
      HR_TRY(BeginItem());
    }
    HR_TRY(ContinueItem());
  }
  if (piece_count_ == 0) {
    // What is wrong with the last object may come behind its last byte: a checksum.
    HR_TRY_ASSIGN(const std::optional<fetch::Part> more, reader_.Next());
    HR_CHECK(!more.has_value());
  }
  return std::span<const iovec>(pieces_).first(piece_count_);
}

Status EpochStream::BeginItem() {
  left_bytes_ = item_->size_bytes;
  padding_bytes_ = 0;
  if (!item_->is_read || !framing_.inflates_gzip) {
    return framing_.wraps_record_io ? BeginRecord(item_->size_bytes) : Ok();
  }
  decoder_ = item_->size_bytes == 0 ? nullptr : std::make_unique<format::GzipDecoder>();
  rest_ = {};
  return Ok();
}

Status EpochStream::ContinueItem() {
  if (!item_->is_read) {
    inline_bytes_ = std::move(item_->bytes);
    Give(AsBytes(inline_bytes_));
    EndItem();
    return Ok();
  }
  if (framing_.inflates_gzip) {
    return framing_.wraps_record_io ? InflateRecord() : InflatePiece();
  }
  if (left_bytes_ > 0) {
    HR_TRY(FetchPart());
    Give(rest_);
  }
  if (left_bytes_ == 0) EndItem();
  return Ok();
}

void EpochStream::EndItem() {
  Give(std::span(kPadding).first(padding_bytes_));
  ++items_given_;
  item_.reset();
}

// Its memory may be what the next part waits for.
void EpochStream::LetPartGo() {
  rest_ = {};
  part_.reset();
}

Status EpochStream::FetchPart() {
  LetPartGo();
  HR_TRY_ASSIGN(part_, reader_.Next());
  HR_CHECK(part_.has_value());  // The reader gives all bytes of a read, or an error.
  rest_ = part_->bytes.span();
  HR_CHECK(rest_.size() <= left_bytes_);
  left_bytes_ -= rest_.size();
  return Ok();
}

Status EpochStream::InflatePiece() {
  inflated_.resize(kInflatedPieceBytes);
  HR_TRY_ASSIGN(const size_t size_bytes, While(ShownItem(), Inflate(inflated_)));
  Give(std::span(inflated_).first(size_bytes));
  if (size_bytes == 0) EndItem();
  return Ok();
}

Status EpochStream::InflateRecord() {
  size_t size_bytes = 0;
  while (true) {
    inflated_.resize(std::max(inflated_.size(), size_bytes + kInflatedPieceBytes));
    HR_TRY_ASSIGN(const size_t more,
                  While(ShownItem(), Inflate(std::span(inflated_).subspan(size_bytes))));
    if (more == 0) break;
    size_bytes += more;
    if (size_bytes > format::kRecordIoPayloadBytesMax) break;
  }
  HR_TRY(BeginRecord(size_bytes));
  Give(std::span(inflated_).first(size_bytes));
  EndItem();
  return Ok();
}

Result<size_t> EpochStream::Inflate(std::span<std::byte> target) {
  if (decoder_ == nullptr) return 0;
  while (true) {
    HR_TRY_ASSIGN(const auto step, decoder_->Decode(rest_, target));
    rest_ = rest_.subspan(step.taken_bytes);
    if (step.given_bytes > 0) return step.given_bytes;
    if (left_bytes_ == 0) {
      HR_TRY(decoder_->Finish());
      return 0;
    }
    HR_TRY(FetchPart());
  }
}

Status EpochStream::BeginRecord(uint64_t size_bytes) {
  if (size_bytes > format::kRecordIoPayloadBytesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: more than {} bytes fit into no RecordIO record; cut it into "
                            "smaller objects",
                            ShownItem(), format::kRecordIoPayloadBytesMax));
  }
  header_ = format::RecordIoHeader(size_bytes);
  padding_bytes_ = format::RecordIoPaddingBytes(size_bytes);
  Give(header_);
  return Ok();
}

void EpochStream::Give(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  // iovec serves reading and writing alike; these bytes are only written out.
  pieces_.at(piece_count_++) = {.iov_base = const_cast<std::byte*>(bytes.data()),
                                .iov_len = bytes.size()};
}

std::string EpochStream::ShownItem() const {
  if (!item_->is_read) return "a value of the manifest";
  return FormatS3Uri(item_->bucket, plan::ShownKey(item_->key));
}

}  // namespace headrace::pipe
