// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "headrace/base/mutex.h"
#include "headrace/base/wait.h"
#include "headrace/store/s3/credentials.h"

namespace headrace::s3 {

struct CredentialCacheOptions {
  // Keys are renewed this long before they expire, so that requests in flight outlive them.
  std::chrono::minutes renew_before{5};
  // While a renewal fails and the old keys still hold, the next one is tried after this.
  std::chrono::seconds renew_again_after{30};
};

// Keeps the credentials until shortly before they expire. Many askers cause one fetch: the others
// wait for it, or go on with the old keys while those hold.
// Threads: all methods may be called at once from any loop. Lifetime: source and clock outlive it.
class CredentialCache {
 public:
  CredentialCache(std::unique_ptr<CredentialSource> source, const Clock& clock,
                  CredentialCacheOptions options = {})
      : source_(std::move(source)), clock_(clock), options_(options) {}

  Task<Result<std::shared_ptr<const Credentials>>> Get(const CallContext& context)
      HR_EXCLUDES(mutex_);
  // What Get would give at once; null where it would wait.
  std::shared_ptr<const Credentials> Current() HR_EXCLUDES(mutex_);
  // The server refused these as expired: the next Get fetches. Others that were fetched meanwhile
  // stay.
  void Refused(const std::shared_ptr<const Credentials>& refused) HR_EXCLUDES(mutex_);

 private:
  enum class Use : uint8_t { kAsTheyAre, kAfterMyFetch, kAfterTheirFetch };
  bool IsDue(SystemTime now) const HR_REQUIRES(mutex_);
  Use Decide(SystemTime now) HR_REQUIRES(mutex_);
  Task<Result<std::shared_ptr<const Credentials>>> FetchForAll(const CallContext& context)
      HR_EXCLUDES(mutex_);

  const std::unique_ptr<CredentialSource> source_;
  const Clock& clock_;
  const CredentialCacheOptions options_;
  Mutex mutex_;
  std::shared_ptr<const Credentials> current_ HR_GUARDED_BY(mutex_);
  std::optional<OneShotEvent> fetching_ HR_GUARDED_BY(mutex_);  // Fires when the fetch has ended.
  SystemTime renew_not_before_ HR_GUARDED_BY(mutex_){};
  std::optional<Error> last_error_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::s3
