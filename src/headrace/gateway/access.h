// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/gateway/router.h"
#include "headrace/gateway/users.h"

namespace headrace::gateway {

// What the sender of one request may do. Holds the version of the users it was judged by.
class Grant {
 public:
  // Nothing at all.
  Grant() = default;
  // Everything: a server that checks nobody.
  static Grant Everything();
  // What everyone may do without a signature.
  static Grant Anonymous(std::shared_ptr<const Users> users);
  // What a user may do. `user` is one of `users`.
  static Grant OfUser(std::shared_ptr<const Users> users, const User* user);

  // The same within one bucket alone, and with `reads_only`, no writes.
  Grant LimitedTo(std::string bucket, bool reads_only) const;

  bool May(Right right, std::string_view bucket) const;
  // Null: everyone, or nobody in particular.
  const User* user() const { return user_; }
  bool is_anonymous() const { return !is_open_ && user_ == nullptr; }

 private:
  std::shared_ptr<const Users> users_;
  const User* user_ = nullptr;
  bool is_open_ = false;
  std::optional<std::string> bucket_;  // Of a session.
  bool reads_only_ = false;
};

// Whether a request may go on: AccessDenied when not. GET and HEAD read, everything else writes;
// what tells no more than that a bucket exists needs either right; a copy reads its source too
// (`copy_source_bucket`, where the request names one). What is in a form (PostObject) is for
// the operation to check.
Status CheckAccess(const Grant& grant, const Route& route, const S3Target& target,
                   std::optional<std::string_view> copy_source_bucket);

}  // namespace headrace::gateway
