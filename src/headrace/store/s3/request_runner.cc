// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/request_runner.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/log.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/base/wait.h"
#include "headrace/store/s3/blank_secrets.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::s3 {
namespace {

// An S3 error document is under 2 KiB; a proxy's page may be longer and is not read to its end.
constexpr size_t kErrorBytesMax = 64 * 1024;
// Servers refuse a signature that is 15 minutes off; a difference well below that is no reason.
constexpr std::chrono::minutes kSkewMin{5};
// Over plain HTTP a body up to this size is covered by the signature (about 1 ms of SHA-256).
// Larger ones travel as UNSIGNED-PAYLOAD, as all do over TLS: their CRC header, which is signed,
// still finds accidents.
constexpr size_t kHashedBodyBytesMax = 1 << 20;

// `storage` holds it where it had to be computed.
std::string_view PayloadHash(const S3Request& request, bool is_tls, std::string& storage) {
  if (request.body.empty()) return kEmptySha256;
  if (is_tls || request.body.size() > kHashedBodyBytesMax) return kUnsignedPayload;
  storage = HexEncode(Sha256(request.body));
  return storage;
}

RequestSubject SubjectOf(const S3Request& request,
                         std::optional<std::string_view> credentials_source) {
  return {.verb = request.verb,
          .bucket = request.bucket,
          .key = request.key,
          .credentials_source = credentials_source,
          .is_head = request.method == "HEAD"};
}

struct TriedCall {
  const net::HttpCall& call;
  int status = 0;
  uint32_t attempt_index = 0;
  std::chrono::nanoseconds took{};
  uint64_t received_bytes = 0;
  bool has_failed = false;
};

void LogTry(const TriedCall& tried) {
  const double milliseconds = std::chrono::duration<double, std::milli>(tried.took).count();
  Log(LogLevel::kDebug, "{} {} {} status={} try={} ms={:.1f} sent={} received={}{}",
      tried.call.method, net::HostHeader(tried.call.endpoint), BlankSecrets(tried.call.target),
      tried.status, tried.attempt_index + 1, milliseconds, tried.call.body.size(),
      tried.received_bytes, tried.has_failed ? " failed" : "");
}

}  // namespace

std::string AttemptOf(const S3Request& request) {
  return fmt::format("{} {}", request.verb, ObjectName(request.bucket, request.key));
}

// What one try brought to light beside its outcome.
struct RequestRunner::TryFacts {
  std::shared_ptr<const Credentials> credentials;
  std::string region;
  std::string bucket_region;
  std::optional<SystemTime> server_time;
  std::optional<std::chrono::seconds> retry_after;
  int status = 0;
  S3Metrics* counted_apart = nullptr;
  // The try before brought nothing, or nothing good: not over a connection that was used before.
  // After an answer, a 503 say, the connection is as good as any.
  bool needs_fresh_connection = false;
};

// Each is made once per request: a second time it would not help either.
struct RequestRunner::Corrections {
  bool region = false;
  bool clock = false;
  bool credentials = false;
};

Task<Status> Exchange::Reconsider(const Error& error, uint32_t /*attempt_index*/) {
  co_return std::unexpected(error);
}

RequestRunner::RequestRunner(S3Config config, RetryOptions retry, net::HttpClient& client,
                             CredentialCache* credentials, const Clock& clock,
                             std::shared_ptr<S3Metrics> metrics)
    : config_(std::move(config)),
      retry_(retry),
      client_(client),
      credentials_(credentials),
      clock_(clock),
      metrics_(std::move(metrics)),
      pacer_(retry),
      random_(Random::FromEntropy()) {}

Task<Status> RequestRunner::Run(Exchange& exchange, const CallContext& context, S3Metrics* apart) {
  Corrections corrections;
  uint32_t attempt_index = 0;
  bool was_broken = false;
  while (true) {
    TryFacts facts;
    facts.counted_apart = apart;
    facts.needs_fresh_connection = was_broken;
    if (throttle_.is_limiting()) {
      if (!co_await AwaitTurn(context)) {
        co_return Fail(ErrorCode::kCancelled, AttemptOf(exchange.NextRequest()) + ": cancelled");
      }
    }
    Status outcome = co_await TryOnce(exchange, context, attempt_index, facts);
    if (outcome) co_return outcome;
    outcome = co_await exchange.Reconsider(outcome.error(), attempt_index);
    if (outcome) co_return outcome;
    if (Correct(outcome.error(), exchange.NextRequest(), facts, corrections)) continue;

    const FailedTry failed{.error = outcome.error(),
                           .attempt_index = attempt_index,
                           .retry_after = facts.retry_after,
                           .deadline = context.deadline,
                           .now = clock_.Now()};
    auto delay = DecideRetry(retry_, failed, RandomUnit());
    if (delay) {
      delay = std::max(*delay, pacer_.Take(clock_.Now()));
      // The pacer may know of so many retries that ours would come too late.
      if (context.deadline.HasPassed(clock_.Now() + *delay)) delay.reset();
    }
    if (!delay) {
      if (attempt_index == 0) co_return outcome;
      const Error& error = outcome.error();
      co_return std::unexpected(Error(
          error.code(), fmt::format("{} (tried {} times)", error.message(), attempt_index + 1),
          error.origin()));
    }
    Log(LogLevel::kDebug, "{}; next try in {} ms", outcome.error().message(),
        std::chrono::duration_cast<std::chrono::milliseconds>(*delay).count());
    if (!co_await SleepUnlessStopped(*delay, context.stop)) {
      co_return Fail(ErrorCode::kCancelled, AttemptOf(exchange.NextRequest()) + ": cancelled");
    }
    const auto cause = static_cast<size_t>(CauseOf(outcome.error()));
    metrics_->counter(S3Metric::kRetries, cause).Add();
    if (apart != nullptr) apart->counter(S3Metric::kRetries, cause).Add();
    was_broken = ClassifyRetry(outcome.error()) == RetryKind::kUnanswered;
    ++attempt_index;
  }
}

Task<bool> RequestRunner::AwaitTurn(const CallContext& context) {
  while (true) {
    const SteadyTime now = clock_.Now();
    const ThrottleTurn turn = throttle_.Take(now);
    const auto at = context.deadline.at();
    // What would come after the deadline ends there, with the error of a late request.
    const bool is_late = at && *at - now <= turn.wait;
    const std::chrono::nanoseconds wait = is_late ? *at - now : turn.wait;
    if (wait <= std::chrono::nanoseconds(0)) co_return true;
    if (!co_await SleepUnlessStopped(wait, context.stop)) co_return false;
    if (turn.is_granted || is_late) co_return true;
  }
}

net::HttpCall RequestRunner::CallFor(const S3Request& request, const CallContext& context,
                                     const TryFacts& facts) {
  S3Address address = AddressOf(config_, facts.region, request.bucket, request.key);
  net::HttpCall call;
  call.method = request.method;
  call.headers = request.headers;
  call.body = request.body;
  call.sends_body = request.sends_body;
  call.landing = request.landing;
  call.deadline = context.deadline;
  call.stop = context.stop;
  if (!facts.needs_fresh_connection) call.answer_timeout = request.answer_timeout;
  call.needs_fresh_connection = request.needs_fresh_connection || facts.needs_fresh_connection;
  if (facts.credentials) {
    const std::string host = net::HostHeader(address.endpoint);
    std::string storage;
    const Signer signer{.keys = facts.credentials->keys,
                        .region = facts.region,
                        .time = ServerNow(),
                        .cache = signing_keys_};
    SignHeaders({.method = request.method,
                 .host = host,
                 .path = address.path,
                 .query = request.query,
                 .payload_hash = PayloadHash(request, address.endpoint.is_tls, storage)},
                signer, call.headers);
  }
  call.target = std::move(address.path);
  if (!request.query.empty()) call.target.append("?").append(request.query);
  call.endpoint = std::move(address.endpoint);
  return call;
}

Task<Status> RequestRunner::TryOnce(Exchange& exchange, const CallContext& context,
                                    uint32_t attempt_index, TryFacts& facts) {
  const S3Request& request = exchange.NextRequest();
  if (credentials_ != nullptr) {
    facts.credentials = credentials_->Current();
    if (!facts.credentials) {
      auto credentials = co_await credentials_->Get(context);
      if (!credentials) {
        co_return std::unexpected(std::move(credentials).error().While(AttemptOf(request)));
      }
      facts.credentials = std::move(*credentials);
    }
  }
  facts.region = RegionOf(request.bucket);
  const net::HttpCall call = CallFor(request, context, facts);
  metrics_->counter(S3Metric::kTries).Add();
  if (facts.counted_apart != nullptr) facts.counted_apart->counter(S3Metric::kTries).Add();
  const SteadyTime begin = clock_.Now();
  const uint64_t received_before = exchange.received_bytes();
  Status outcome = Ok();
  auto answer = co_await client_.Send(call);
  if (answer) {
    facts.status = answer->status();
    if (facts.status >= 200 && facts.status < 300) {
      outcome = co_await exchange.Receive(*answer);
    } else {
      outcome = co_await Refused(request, *answer, facts);
    }
  } else {
    Error failure = std::move(answer).error().While(AttemptOf(request));
    outcome = std::unexpected(WithEndpointAdvice(std::move(failure), config_));
  }
  if (!outcome && outcome.error().code() == ErrorCode::kThrottled) {
    throttle_.OnSlowDown(clock_.Now());
  } else {
    throttle_.OnAnswer(clock_.Now());
  }
  if (LogEnabled(LogLevel::kDebug)) {
    LogTry({.call = call,
            .status = facts.status,
            .attempt_index = attempt_index,
            .took = clock_.Now() - begin,
            .received_bytes = exchange.received_bytes() - received_before,
            .has_failed = !outcome});
  }
  co_return outcome;
}

Task<Status> RequestRunner::Refused(const S3Request& request, net::HttpAnswer& answer,
                                    TryFacts& facts) {
  const net::HttpHeaders& headers = answer.head().headers;
  facts.server_time = ParseHttpDate(headers.Value("Date"));
  if (const auto seconds = ParseDecimal(headers.Value("Retry-After"))) {
    facts.retry_after = std::chrono::seconds(std::min<uint64_t>(*seconds, 86'400));
  }
  ErrorDocument document;
  if (request.method != "HEAD") {
    auto text = co_await answer.ReadText(kErrorBytesMax);
    if (text) document = ParseErrorDocument(*text);
  }
  facts.bucket_region = BucketRegion(headers, document);
  const std::string_view source =
      facts.credentials ? std::string_view(facts.credentials->source) : std::string_view();
  co_return std::unexpected(
      MakeS3Error(answer.status(), headers, document, SubjectOf(request, source)));
}

bool RequestRunner::Correct(const Error& error, const S3Request& request, const TryFacts& facts,
                            Corrections& corrections) {
  const bool names_region =
      facts.status == 301 || facts.status == 307 || facts.status == 400 || facts.status == 403;
  if (names_region && !corrections.region && !request.bucket.empty() &&
      !facts.bucket_region.empty() && facts.bucket_region != facts.region) {
    corrections.region = true;
    RememberRegion(request.bucket, facts.bucket_region);
    Log(LogLevel::kDebug, "{} is in region {}", ObjectName(request.bucket, ""),
        facts.bucket_region);
    return true;
  }
  if (error.code() != ErrorCode::kPermissionDenied && facts.status != 400) return false;
  // A HEAD has no body to name the reason: the server's Date shows it.
  if (!corrections.clock && facts.server_time && credentials_ != nullptr &&
      std::chrono::abs(*facts.server_time - ServerNow()) > kSkewMin) {
    corrections.clock = true;
    const auto offset = *facts.server_time - clock_.WallNow();
    clock_offset_nanoseconds_ = std::chrono::nanoseconds(offset).count();
    Log(LogLevel::kWarning,
        "this machine's clock is {} s off the server's; signing with the server's time",
        std::chrono::duration_cast<std::chrono::seconds>(-offset).count());
    return true;
  }
  const std::string& s3_code = error.origin().s3_code;
  if (!corrections.credentials && facts.credentials && facts.credentials->expires &&
      (s3_code == "ExpiredToken" || s3_code == "TokenRefreshRequired" ||
       s3_code == "InvalidToken")) {
    corrections.credentials = true;
    credentials_->Refused(facts.credentials);
    return true;
  }
  return false;
}

Task<Result<std::string>> RequestRunner::Presign(const S3Request& request,
                                                 std::chrono::seconds lifetime,
                                                 const CallContext& context) {
  const std::string region = RegionOf(request.bucket);
  const S3Address address = AddressOf(config_, region, request.bucket, request.key);
  const std::string host = net::HostHeader(address.endpoint);
  std::string url = (address.endpoint.is_tls ? "https://" : "http://") + host + address.path;
  if (credentials_ == nullptr) co_return url;
  HR_CO_TRY_ASSIGN(const auto credentials, co_await credentials_->Get(context));
  const Signer signer{
      .keys = credentials->keys, .region = region, .time = ServerNow(), .cache = signing_keys_};
  url += "?" + PresignQuery({.method = request.method,
                             .host = host,
                             .path = address.path,
                             .query = request.query,
                             .payload_hash = kUnsignedPayload},
                            signer, lifetime);
  co_return url;
}

SystemTime RequestRunner::ServerNow() const {
  return clock_.WallNow() + std::chrono::nanoseconds(clock_offset_nanoseconds_.load());
}

std::string RequestRunner::RegionOf(const std::string& bucket) const {
  if (!has_regions_.load(std::memory_order_relaxed)) return config_.region;
  const MutexLock lock(mutex_);
  const auto found = regions_.find(bucket);
  return found == regions_.end() ? config_.region : found->second;
}

void RequestRunner::RememberRegion(const std::string& bucket, const std::string& region) {
  const MutexLock lock(mutex_);
  if (regions_.size() >= kRegionCountMax) regions_.clear();
  regions_[bucket] = region;
  has_regions_ = true;
}

double RequestRunner::RandomUnit() {
  const MutexLock lock(mutex_);
  return random_.Unit();
}

Task<Status> TextExchange::Receive(net::HttpAnswer& answer) {
  headers_ = answer.head().headers;
  auto text = co_await answer.ReadText(text_bytes_max_);
  if (!text) co_return std::unexpected(std::move(text).error().While(AttemptOf(request_)));
  text_ = std::move(*text);
  received_bytes_ += text_.size();
  if (may_hide_error_ && IsErrorDocument(text_)) {
    const ErrorDocument document = ParseErrorDocument(text_);
    const RequestSubject subject = SubjectOf(request_, std::nullopt);
    co_return std::unexpected(MakeS3Error(answer.status(), headers_, document, subject));
  }
  co_return Ok();
}

Task<Status> TextExchange::Reconsider(const Error& error, uint32_t /*attempt_index*/) {
  const bool says_done = !done_code_.empty() && error.origin().s3_code == done_code_;
  if (may_be_done_ && says_done) co_return Ok();
  // A request that was throttled, or refused for its time or region, has done nothing.
  const ErrorCode code = error.code();
  may_be_done_ = may_be_done_ || code == ErrorCode::kUnavailable || code == ErrorCode::kTimedOut ||
                 code == ErrorCode::kCorrupt;
  co_return std::unexpected(error);
}

}  // namespace headrace::s3
