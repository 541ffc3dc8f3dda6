// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/authenticator.h"

#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr std::chrono::hours kPresignedLifetimeMax{7 * 24};

// Signature Version 2 in either place.
bool IsVersion2(const net::HttpRequestHead& head) {
  if (head.headers.Value("Authorization").starts_with("AWS ")) return true;
  const size_t question = head.target.find('?');
  if (question == std::string::npos) return false;
  const std::string_view query = std::string_view(head.target).substr(question + 1);
  return query.starts_with("AWSAccessKeyId=") || query.find("&AWSAccessKeyId=") != query.npos;
}

// Services whose signatures mean this server.
bool IsOurService(std::string_view service) {
  return service == "s3" || service == "s3express" || service == "s3-object-lambda";
}

Status CheckScope(const s3::ParsedSignature& signature) {
  const char* const code =
      signature.is_presigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
  if (!IsOurService(signature.scope.service)) {
    return FailS3(code, fmt::format("the service '{}' of the credential is wrong; expecting 's3'",
                                    signature.scope.service));
  }
  // Any region is as good as another here, but it has to be one.
  if (signature.scope.region.empty()) {
    return FailS3(code, "the region of the credential is empty; sign with the bucket's region");
  }
  return Ok();
}

Result<const User*> FindUser(const Users& users, std::string_view access_key_id) {
  const User* const user = users.Find(access_key_id);
  if (user != nullptr) return user;
  return FailS3("InvalidAccessKeyId", "the access key is not known here");
}

// A user with a session token must show it; one without may show any.
Status CheckToken(const User& user, std::string_view token) {
  const std::string& expected = user.keys.session_token;
  if (expected.empty() || EqualInConstantTime(expected, token)) return Ok();
  return FailS3("InvalidToken", "the security token is missing or not this user's");
}

std::unexpected<Error> WrongSignature() {
  return FailS3("SignatureDoesNotMatch",
                "the signature is not the one the secret key makes; check the key, and that "
                "nothing changed the request on its way");
}

Users UsersOf(const std::vector<s3::AccessKeys>& owners) {
  Users users;
  for (const s3::AccessKeys& keys : owners) HR_CHECK(users.AddOwner(keys).has_value());
  return users;
}

}  // namespace

Status Authenticator::CheckTime(const s3::ParsedSignature& signature) const {
  const auto signed_at = s3::ParseAmzDate(signature.timestamp);
  if (!signed_at || !signature.timestamp.starts_with(signature.scope.date)) {
    return FailS3("AuthorizationHeaderMalformed",
                  "x-amz-date is missing, or not of the day the credential scope names");
  }
  const SystemTime now = clock_.WallNow();
  if (*signed_at - now > options_.clock_skew_max ||
      (!signature.is_presigned && now - *signed_at > options_.clock_skew_max)) {
    return FailS3("RequestTimeTooSkewed",
                  "the difference between the request's time and this server's is too large");
  }
  if (!signature.is_presigned) return Ok();
  if (signature.lifetime > kPresignedLifetimeMax) {
    return FailS3("AuthorizationQueryParametersError", "X-Amz-Expires must be at most a week");
  }
  if (now > *signed_at + signature.lifetime) return FailS3("AccessDenied", "Request has expired");
  return Ok();
}

Authenticator::Authenticator(AuthenticatorOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      users_(std::make_shared<const Users>(UsersOf(options_.users))) {}

Status Authenticator::ReplaceUsers(Users users) {
  for (const s3::AccessKeys& keys : options_.users) HR_TRY(users.AddOwner(keys));
  auto fresh = std::make_shared<const Users>(std::move(users));
  const MutexLock lock(mutex_);
  users_.swap(fresh);
  return Ok();
}

std::shared_ptr<const Users> Authenticator::CurrentUsers() const {
  const MutexLock lock(mutex_);
  return users_;
}

Result<Identity> Authenticator::Verify(const net::HttpRequestHead& head) {
  Identity identity;
  identity.payload_hash = head.headers.Value("x-amz-content-sha256");
  if (options_.is_open) {
    identity.grant = Grant::Everything();
    return identity;
  }
  if (IsVersion2(head)) {
    return FailS3("InvalidRequest",
                  "Signature Version 2 is not supported; sign with AWS4-HMAC-SHA256");
  }
  auto parsed = s3::ParseSignature(head);
  if (!parsed) {
    return FailS3(head.headers.Find("Authorization") ? "AuthorizationHeaderMalformed"
                                                     : "AuthorizationQueryParametersError",
                  parsed.error().message());
  }
  auto users = CurrentUsers();
  if (!parsed->has_value()) {
    identity.grant = Grant::Anonymous(std::move(users));
    return identity;
  }
  const s3::ParsedSignature& signature = **parsed;
  HR_TRY(CheckScope(signature));
  HR_TRY_ASSIGN(const User* const user, FindUser(*users, signature.access_key_id));
  HR_TRY(CheckTime(signature));
  const std::string& secret = user->keys.secret_access_key;
  const auto expected = s3::ExpectedSignature(head, signature, secret, signing_keys_);
  if (!expected) return FailS3("SignatureDoesNotMatch", expected.error().message());
  if (!EqualInConstantTime(*expected, signature.signature)) return WrongSignature();
  HR_TRY(CheckToken(*user, signature.session_token));
  identity.access_key_id = signature.access_key_id;
  identity.payload_hash = signature.payload_hash;
  identity.chunks.emplace(signing_keys_.KeyFor(secret, signature.scope), signature.timestamp,
                          signature.scope.Text(), signature.signature);
  identity.grant = Grant::OfUser(std::move(users), user);
  return identity;
}

Result<Identity> Authenticator::VerifyForm(const FormSignature& form) {
  Identity identity;
  identity.payload_hash = s3::kUnsignedPayload;
  if (options_.is_open) {
    identity.grant = Grant::Everything();
    return identity;
  }
  if (form.policy.empty() || form.signature.empty()) {
    return FailS3("AccessDenied", "Access Denied: the form is not signed");
  }
  if (form.algorithm != s3::kSigV4Algorithm) {
    return FailS3("InvalidArgument", "x-amz-algorithm must be AWS4-HMAC-SHA256");
  }
  s3::ParsedSignature signature{.timestamp = std::string(form.timestamp)};
  auto scope = s3::ParseCredential(form.credential, signature);
  if (!scope) return FailS3("InvalidArgument", scope.error().message());
  HR_TRY(CheckScope(signature));
  auto users = CurrentUsers();
  HR_TRY_ASSIGN(const User* const user, FindUser(*users, signature.access_key_id));
  // How long a form is good for, its policy says.
  signature.is_presigned = true;
  signature.lifetime = kPresignedLifetimeMax;
  HR_TRY(CheckTime(signature));
  const auto key = signing_keys_.KeyFor(user->keys.secret_access_key, signature.scope);
  if (!EqualInConstantTime(s3::Signature(key, form.policy), form.signature)) {
    return WrongSignature();
  }
  HR_TRY(CheckToken(*user, form.session_token));
  identity.access_key_id = signature.access_key_id;
  identity.grant = Grant::OfUser(std::move(users), user);
  return identity;
}

}  // namespace headrace::gateway
