// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/mutex.h"
#include "headrace/base/random.h"
#include "headrace/net/http_client.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/credential_cache.h"
#include "headrace/store/s3/endpoint_throttle.h"
#include "headrace/store/s3/retry.h"
#include "headrace/store/s3/s3_config.h"
#include "headrace/store/s3/s3_error.h"
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::s3 {

// One request to S3 before it has an address and a signature.
struct S3Request {
  std::string_view verb;  // For messages: "get". A literal.
  std::string method = "GET";
  std::string bucket;  // Empty: the service.
  std::string key;     // Empty: the bucket.
  std::string query;   // Encoded, without '?'.
  net::HttpHeaders headers;
  std::span<const std::byte> body;  // Borrowed until the run has ended: every try sends it again.
  bool sends_body = false;
  ByteTarget landing;  // Where the exchange reads a good answer's body to: net::HttpCall.
  bool needs_fresh_connection = false;  // Already its first try.
  // Of tries before one is broken off; nothing: the client's own.
  std::optional<std::chrono::nanoseconds> answer_timeout;
};

// "get s3://bucket/key", for messages.
std::string AttemptOf(const S3Request& request);

// An operation as the runner sees it: what to send and what to do with a good answer. A run may
// call both several times, one try after the other.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // The request of the next try; valid until the next call.
  virtual const S3Request& NextRequest() = 0;
  // Takes an answer of status 200 to 299. An error, which names the object, is treated like one the
  // server sent: retried where ClassifyRetry says so.
  virtual Task<Status> Receive(net::HttpAnswer& answer) = 0;
  // Decides about an error before it is retried or returned: a way to make it a success.
  virtual Task<Status> Reconsider(const Error& error, uint32_t attempt_index);
  // Bytes of body received so far, over all tries.
  virtual uint64_t received_bytes() const { return 0; }
};

// Signs, sends, retries and corrects: the only retry loop of the system.
//
// Besides retries it makes each of these corrections at most once per request: the region of a
// bucket that lives elsewhere (remembered for its later requests), the clock's offset from the
// server's (remembered for all), keys that expired early.
//
// Threads: all methods may be called at once from any loop. Lifetime: the references outlive it.
class RequestRunner {
 public:
  // `credentials` null: requests are not signed.
  RequestRunner(S3Config config, RetryOptions retry, net::HttpClient& client,
                CredentialCache* credentials, const Clock& clock,
                std::shared_ptr<S3Metrics> metrics);

  // What is sent is counted in `apart` as well, unless it is null.
  Task<Status> Run(Exchange& exchange, const CallContext& context, S3Metrics* apart = nullptr);
  // The URL that lets anyone do what `request` does for `lifetime`.
  Task<Result<std::string>> Presign(const S3Request& request, std::chrono::seconds lifetime,
                                    const CallContext& context);

  const S3Config& config() const { return config_; }

 private:
  struct TryFacts;
  struct Corrections;

  Task<Status> TryOnce(Exchange& exchange, const CallContext& context, uint32_t attempt_index,
                       TryFacts& facts);
  // The address and the signature of a try.
  net::HttpCall CallFor(const S3Request& request, const CallContext& context,
                        const TryFacts& facts);
  // The error that an answer of another status than 200 to 299 means.
  Task<Status> Refused(const S3Request& request, net::HttpAnswer& answer, TryFacts& facts);
  bool Correct(const Error& error, const S3Request& request, const TryFacts& facts,
               Corrections& corrections);
  // Until the endpoint may be asked; false: cancelled meanwhile.
  Task<bool> AwaitTurn(const CallContext& context);
  SystemTime ServerNow() const;
  std::string RegionOf(const std::string& bucket) const HR_EXCLUDES(mutex_);
  void RememberRegion(const std::string& bucket, const std::string& region) HR_EXCLUDES(mutex_);
  double RandomUnit() HR_EXCLUDES(mutex_);

  // Buckets whose region was learned; far more than one process reads from.
  static constexpr size_t kRegionCountMax = 1024;

  const S3Config config_;
  const RetryOptions retry_;
  net::HttpClient& client_;
  CredentialCache* const credentials_;
  const Clock& clock_;
  const std::shared_ptr<S3Metrics> metrics_;
  SigningKeyCache signing_keys_;
  RetryPacer pacer_;
  EndpointThrottle throttle_{ThrottleOptions{}};
  std::atomic<int64_t> clock_offset_nanoseconds_ = 0;
  std::atomic<bool> has_regions_ = false;
  mutable Mutex mutex_;
  std::map<std::string, std::string> regions_ HR_GUARDED_BY(mutex_);
  Random random_ HR_GUARDED_BY(mutex_);
};

// An exchange whose request is always the same and whose answer is a short text.
class TextExchange final : public Exchange {
 public:
  // `may_hide_error`: an <Error> document under status 200 is an error (Copy, Complete).
  TextExchange(S3Request request, size_t text_bytes_max, bool may_hide_error = false)
      : request_(std::move(request)),
        text_bytes_max_(text_bytes_max),
        may_hide_error_(may_hide_error) {}

  const S3Request& NextRequest() override { return request_; }
  // What S3 says to a further try when an earlier one, whose answer got lost, has done the work.
  void SetDoneCode(std::string_view s3_code) { done_code_ = s3_code; }

  Task<Status> Receive(net::HttpAnswer& answer) override;
  Task<Status> Reconsider(const Error& error, uint32_t attempt_index) override;
  uint64_t received_bytes() const override { return received_bytes_; }

  const net::HttpHeaders& headers() const { return headers_; }
  const std::string& text() const { return text_; }

 private:
  S3Request request_;
  size_t text_bytes_max_;
  bool may_hide_error_;
  std::string_view done_code_;  // A literal.
  bool may_be_done_ = false;    // By a try that failed.
  net::HttpHeaders headers_;
  std::string text_;
  uint64_t received_bytes_ = 0;
};

}  // namespace headrace::s3
