// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "headrace/base/checksum.h"
#include "headrace/store/s3/request_runner.h"

namespace headrace::s3 {

// A GET whose body goes straight into the caller's memory. A try that breaks in the middle is
// continued by the next one from the byte after the last, pinned to the same ETag; a body that
// breaks its checksum is read again from the start.
class GetExchange final : public Exchange {
 public:
  // `request` and its target outlive the exchange.
  GetExchange(const GetRequest& request, bool verify_checksums);

  const S3Request& NextRequest() override;
  Task<Status> Receive(net::HttpAnswer& answer) override;
  uint64_t received_bytes() const override { return received_bytes_; }

  // After a successful run.
  GetResult TakeResult();

 private:
  // Looks at an answer's head: does its body continue what is there?
  Status AcceptHead(const net::HttpAnswer& answer);
  Task<Status> ReadBody(net::HttpAnswer& answer);
  Task<Status> ReadBodyOfUnknownSize(net::HttpAnswer& answer);
  Status CheckFits(uint64_t body_size) const;
  void Count(std::span<const std::byte> got);
  Status VerifyChecksum();
  Error Failure(ErrorCode code, std::string_view what) const;

  const GetRequest& request_;
  const bool verify_checksums_;
  const uint64_t begin_;  // Of the range asked for.
  S3Request next_;
  std::optional<ObjectHead> head_;  // From the first try that brought one.
  bool is_size_known_ = false;      // The first try's answer announced its body's length.
  uint64_t wanted_bytes_ = 0;       // That length.
  uint64_t filled_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  std::optional<RunningChecksum> checksum_;
};

}  // namespace headrace::s3
