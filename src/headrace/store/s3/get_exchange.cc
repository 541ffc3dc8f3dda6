// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/get_exchange.h"

#include <array>

#include <fmt/format.h>

#include "headrace/store/s3/object_headers.h"

namespace headrace::s3 {

GetExchange::GetExchange(const GetRequest& request, bool verify_checksums)
    : request_(request),
      verify_checksums_(verify_checksums),
      begin_(request.range ? request.range->begin : 0) {
  next_.verb = "get";
  next_.bucket = request.bucket;
  next_.key = request.key;
  next_.needs_fresh_connection = request.needs_fresh_connection;
  next_.answer_timeout = request.answer_timeout;
}

Error GetExchange::Failure(ErrorCode code, std::string_view what) const {
  return {code, fmt::format("{}: {}", AttemptOf(next_), what)};
}

const S3Request& GetExchange::NextRequest() {
  next_.headers = {};
  if (request_.progress != nullptr) request_.progress->first_byte_at = {};
  // Without an ETag the rest could be another version's: the next try begins anew.
  if (head_ && head_->info.etag.empty()) filled_bytes_ = 0;
  next_.landing = request_.target.From(filled_bytes_);
  if (head_ && filled_bytes_ > 0) {
    const uint64_t from = begin_ + filled_bytes_;
    next_.headers.Add("Range", RangeHeader({.begin = from, .end = begin_ + wanted_bytes_}));
    Conditions pinned;
    pinned.if_match = head_->info.etag;
    AddConditions(pinned, next_.headers);
    return next_;
  }
  if (request_.range) next_.headers.Add("Range", RangeHeader(*request_.range));
  AddConditions(request_.conditions, next_.headers);
  // Only a body that is read from its first byte can be tested against the object's checksum.
  if (verify_checksums_ && begin_ == 0) next_.headers.Add("x-amz-checksum-mode", "ENABLED");
  return next_;
}

Status GetExchange::CheckFits(uint64_t body_size) const {
  if (request_.range && body_size > request_.range->size_bytes()) {
    return std::unexpected(
        Failure(ErrorCode::kUnsupported, "the server sends more than the range asked for"));
  }
  if (body_size <= request_.target.size()) return Ok();
  return std::unexpected(Failure(
      ErrorCode::kPreconditionFailed,
      fmt::format("at least {} bytes arrive where {} were expected; it was replaced since it was "
                  "listed",
                  body_size, request_.target.size())));
}

Status GetExchange::AcceptHead(const net::HttpAnswer& answer) {
  const net::HttpHeaders& headers = answer.head().headers;
  ObjectHead head = ReadObjectHead(request_.key, headers);
  const auto body_size = answer.body_size_bytes();
  const auto range = ParseContentRange(headers.Value("Content-Range"));
  const uint64_t body_begin =
      answer.status() == 206 && range && range->range ? range->range->begin : 0;
  if (body_begin != begin_ + filled_bytes_ && filled_bytes_ > 0) {
    // It passes over Range: the next try begins anew.
    filled_bytes_ = 0;
    return std::unexpected(
        Failure(ErrorCode::kUnavailable, "the body broke off, and the server does not resume it"));
  }
  if (body_begin != begin_ + filled_bytes_) {
    return std::unexpected(
        Failure(ErrorCode::kUnsupported, "the server sends other bytes than the range asked for"));
  }
  // Some servers pass over If-Match.
  const std::string& pinned = filled_bytes_ > 0 ? head_->info.etag : request_.conditions.if_match;
  if (!pinned.empty() && head.info.etag != pinned) {
    return std::unexpected(
        Failure(ErrorCode::kPreconditionFailed, "it is no longer the version asked for"));
  }
  if (filled_bytes_ > 0) {
    if (body_size == wanted_bytes_ - filled_bytes_) return Ok();
    filled_bytes_ = 0;
    return std::unexpected(
        Failure(ErrorCode::kCorrupt, "the rest of the body has another length than announced"));
  }
  if (body_size) HR_TRY(CheckFits(*body_size));
  is_size_known_ = body_size.has_value();
  wanted_bytes_ = body_size.value_or(0);
  if (answer.status() != 206) head.info.size_bytes = wanted_bytes_;
  checksum_.reset();
  const bool is_whole =
      begin_ == 0 && (answer.status() != 206 || wanted_bytes_ == head.info.size_bytes);
  if (verify_checksums_ && is_whole && head.checksum && !head.checksum->is_composite) {
    checksum_.emplace(head.checksum->algorithm);
  }
  head_ = std::move(head);
  return Ok();
}

void GetExchange::Count(std::span<const std::byte> got) {
  if (checksum_) checksum_->Update(got);
  filled_bytes_ += got.size();
  received_bytes_ += got.size();
}

Task<Status> GetExchange::ReadBody(net::HttpAnswer& answer) {
  const std::span<std::byte> target = request_.target.Find();
  while (filled_bytes_ < wanted_bytes_) {
    const auto rest = target.subspan(filled_bytes_, wanted_bytes_ - filled_bytes_);
    if (const size_t ready = answer.ReadAtOnce(rest)) {
      Count(rest.first(ready));
      continue;
    }
    auto got = co_await answer.ReadSome(rest);
    if (!got) co_return std::unexpected(std::move(got).error().While(AttemptOf(next_)));
    if (*got == 0) {
      co_return std::unexpected(
          Failure(ErrorCode::kUnavailable, "the body ended before its announced length"));
    }
    Count(rest.first(*got));
  }
  co_return Ok();
}

Task<Status> GetExchange::ReadBodyOfUnknownSize(net::HttpAnswer& answer) {
  const std::span<std::byte> target = request_.target.Find();
  std::array<std::byte, 1> beyond{};
  while (true) {
    const auto rest = target.subspan(filled_bytes_);
    const std::span<std::byte> room = rest.empty() ? std::span<std::byte>(beyond) : rest;
    auto got = co_await answer.ReadSome(room);
    if (!got) {
      // What is missing cannot be asked for: the next try begins anew.
      filled_bytes_ = 0;
      co_return std::unexpected(std::move(got).error().While(AttemptOf(next_)));
    }
    if (*got == 0) break;
    HR_CO_TRY(CheckFits(filled_bytes_ + *got));
    Count(room.first(*got));
  }
  if (!request_.range) head_->info.size_bytes = filled_bytes_;
  co_return Ok();
}

Status GetExchange::VerifyChecksum() {
  if (!checksum_) return Ok();
  const Checksum seen = checksum_->Finish();
  checksum_.reset();
  if (seen.value == head_->checksum->value) return Ok();
  filled_bytes_ = 0;
  return std::unexpected(Failure(
      ErrorCode::kCorrupt, fmt::format("the bytes received do not match the object's {} checksum",
                                       ChecksumName(seen.algorithm))));
}

Task<Status> GetExchange::Receive(net::HttpAnswer& answer) {
  if (request_.progress != nullptr) {
    request_.progress->first_byte_at = std::chrono::steady_clock::now();
  }
  HR_CO_TRY(AcceptHead(answer));
  if (is_size_known_) {
    HR_CO_TRY(co_await ReadBody(answer));
  } else {
    HR_CO_TRY(co_await ReadBodyOfUnknownSize(answer));
  }
  co_return VerifyChecksum();
}

GetResult GetExchange::TakeResult() {
  HR_CHECK(head_.has_value());
  return {.head = std::move(*head_), .size_bytes = filled_bytes_};
}

}  // namespace headrace::s3
