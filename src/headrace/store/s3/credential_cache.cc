// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/credential_cache.h"

#include "headrace/base/log.h"

namespace headrace::s3 {
namespace {

// A waiter looks again after this even if nothing woke it: its deadline may have passed.
constexpr std::chrono::seconds kLookAgainAfter{1};

}  // namespace

bool CredentialCache::IsDue(SystemTime now) const {
  return !current_ || (current_->expires && now >= *current_->expires - options_.renew_before);
}

std::shared_ptr<const Credentials> CredentialCache::Current() {
  const MutexLock lock(mutex_);
  return IsDue(clock_.WallNow()) ? nullptr : current_;
}

CredentialCache::Use CredentialCache::Decide(SystemTime now) {
  if (!IsDue(now)) return Use::kAsTheyAre;
  const bool still_hold = current_ && (!current_->expires || now < *current_->expires);
  if (still_hold && (fetching_ || now < renew_not_before_)) return Use::kAsTheyAre;
  if (fetching_) return Use::kAfterTheirFetch;
  fetching_.emplace();
  return Use::kAfterMyFetch;
}

Task<Result<std::shared_ptr<const Credentials>>> CredentialCache::Get(const CallContext& context) {
  while (true) {
    std::optional<OneShotEvent> their_fetch;
    {
      const MutexLock lock(mutex_);
      const Use use = Decide(clock_.WallNow());
      if (use == Use::kAsTheyAre) co_return current_;
      if (use == Use::kAfterTheirFetch) their_fetch = fetching_;
    }
    if (!their_fetch) co_return co_await FetchForAll(context);
    const bool has_ended = co_await their_fetch->Wait(kLookAgainAfter, context.stop);
    if (context.stop.stop_requested()) {
      co_return Fail(ErrorCode::kCancelled, "cancelled while waiting for credentials");
    }
    if (context.deadline.HasPassed(clock_.Now())) {
      co_return Fail(ErrorCode::kTimedOut, "no credentials arrived in time");
    }
    if (!has_ended) continue;
    // The fetch that was waited for has failed: its error is this asker's too.
    const MutexLock lock(mutex_);
    if (!current_ && last_error_) co_return std::unexpected(*last_error_);
  }
}

Task<Result<std::shared_ptr<const Credentials>>> CredentialCache::FetchForAll(
    const CallContext& context) {
  auto fetched = co_await source_->Fetch(context);
  std::optional<OneShotEvent> ended;
  Result<std::shared_ptr<const Credentials>> result = std::shared_ptr<const Credentials>();
  {
    const MutexLock lock(mutex_);
    ended.swap(fetching_);
    const SystemTime now = clock_.WallNow();
    if (fetched) {
      current_ = std::make_shared<const Credentials>(std::move(*fetched));
      last_error_.reset();
      // Keys that arrive nearly expired must not cause a fetch per request.
      renew_not_before_ = now + options_.renew_again_after;
      result = current_;
    } else if (current_ && current_->expires && now < *current_->expires) {
      Log(LogLevel::kWarning, "renewing credentials failed, using the old ones: {}",
          fetched.error().message());
      renew_not_before_ = now + options_.renew_again_after;
      result = current_;
    } else {
      current_.reset();
      // An asker who was stopped or out of time says nothing about the source: waiters try for
      // themselves.
      last_error_.reset();
      const bool is_the_askers_own = fetched.error().code() == ErrorCode::kCancelled ||
                                     context.deadline.HasPassed(clock_.Now());
      if (!is_the_askers_own) last_error_ = fetched.error();
      result = std::unexpected(fetched.error());
    }
  }
  if (ended) ended->Fire();
  co_return result;
}

void CredentialCache::Refused(const std::shared_ptr<const Credentials>& refused) {
  const MutexLock lock(mutex_);
  if (current_ == refused) current_.reset();
}

}  // namespace headrace::s3
