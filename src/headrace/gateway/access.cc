// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/access.h"

#include <utility>

#include <fmt/format.h>

#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

bool ReadsOnly(const Route& route) { return route.method == "GET" || route.method == "HEAD"; }

// Asked by clients before they read or write. A session may no more than its user.
bool NeedsEitherRight(const Route& route) {
  return route.operation == Operation::kHeadBucket ||
         route.operation == Operation::kGetBucketLocation ||
         route.operation == Operation::kCreateSession;
}

Status Deny(const Grant& grant, std::string_view what, std::string_view bucket) {
  if (grant.is_anonymous()) {
    return FailS3("AccessDenied", "Access Denied: the request is not signed");
  }
  return FailS3("AccessDenied",
                fmt::format("Access Denied: this user may not {} the bucket '{}'", what, bucket));
}

}  // namespace

Grant Grant::Everything() {
  Grant grant;
  grant.is_open_ = true;
  return grant;
}

Grant Grant::Anonymous(std::shared_ptr<const Users> users) {
  Grant grant;
  grant.users_ = std::move(users);
  return grant;
}

Grant Grant::OfUser(std::shared_ptr<const Users> users, const User* user) {
  Grant grant;
  grant.users_ = std::move(users);
  grant.user_ = user;
  return grant;
}

Grant Grant::LimitedTo(std::string bucket, bool reads_only) const {
  Grant grant = *this;
  grant.bucket_ = std::move(bucket);
  grant.reads_only_ = reads_only;
  return grant;
}

bool Grant::May(Right right, std::string_view bucket) const {
  if (bucket_ && *bucket_ != bucket) return false;
  if (reads_only_ && right == Right::kWrite) return false;
  if (is_open_) return true;
  if (user_ != nullptr) return user_->May(right, bucket);
  return users_ != nullptr && users_->MayAnyone(right, bucket);
}

Status CheckAccess(const Grant& grant, const Route& route, const S3Target& target,
                   std::optional<std::string_view> copy_source_bucket) {
  if (route.name == "PostObject") return Ok();
  if (route.scope == Scope::kService) {
    // A listing of buckets shows what its asker may read; without a signature, that is nobody's.
    if (!grant.is_anonymous()) return Ok();
    return FailS3("AccessDenied", "Access Denied: the request is not signed");
  }
  const std::string& bucket = target.bucket;
  if (NeedsEitherRight(route)) {
    if (grant.May(Right::kRead, bucket) || grant.May(Right::kWrite, bucket)) return Ok();
    return Deny(grant, "read or write", bucket);
  }
  if (ReadsOnly(route)) {
    return grant.May(Right::kRead, bucket) ? Ok() : Deny(grant, "read", bucket);
  }
  if (!grant.May(Right::kWrite, bucket)) return Deny(grant, "write to", bucket);
  if (copy_source_bucket && !grant.May(Right::kRead, *copy_source_bucket)) {
    return Deny(grant, "read", *copy_source_bucket);
  }
  return Ok();
}

}  // namespace headrace::gateway
