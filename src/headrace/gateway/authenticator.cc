// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/authenticator.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/text.h"
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
  if (signature.scope.region.empty() && !signature.is_asymmetric) {
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

bool IsListed(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::string_view one = names.substr(0, names.find(';'));
    if (EqualIgnoringCase(one, name)) return true;
    names.remove_prefix(std::min(names.size(), one.size() + 1));
  }
  return false;
}

// Who holds a presigned URL must not turn its PUT into a copy, or give it other metadata, by a
// header that the signer has not seen.
Status CheckEverythingIsSigned(const net::HttpHeaders& headers, std::string_view signed_names) {
  constexpr std::string_view kPrefix = "x-amz-";
  for (const auto& [name, value] : headers.fields()) {
    if (!EqualIgnoringCase(std::string_view(name).substr(0, kPrefix.size()), kPrefix)) continue;
    // The canonical request holds the first, and the others decide nothing on their own.
    if (EqualIgnoringCase(name, "x-amz-content-sha256") || EqualIgnoringCase(name, "x-amz-date") ||
        EqualIgnoringCase(name, "x-amz-security-token")) {
      continue;
    }
    if (IsListed(signed_names, name)) continue;
    return FailS3("AccessDenied", fmt::format("There were headers present in the request which "
                                              "were not signed: {}",
                                              name));
  }
  return Ok();
}

Grant GrantOf(std::shared_ptr<const Users> users, const User* user,
              const std::optional<SessionClaims>& session) {
  Grant grant = Grant::OfUser(std::move(users), user);
  return session ? grant.LimitedTo(session->bucket, session->reads_only) : grant;
}

Users UsersOf(const std::vector<s3::AccessKeys>& owners) {
  Users users;
  for (const s3::AccessKeys& keys : owners) HR_CHECK(users.AddOwner(keys).has_value());
  return users;
}

}  // namespace

Result<Authenticator::Signer> Authenticator::FindSigner(const Users& users,
                                                        std::string_view access_key_id,
                                                        std::string_view token) const {
  if (!SessionKeys::IsToken(token)) {
    HR_TRY_ASSIGN(const User* const user, FindUser(users, access_key_id));
    HR_TRY(CheckToken(*user, token));
    return Signer{.user = user, .keys = user->keys, .session = std::nullopt};
  }
  HR_TRY_ASSIGN(SessionClaims claims, SessionKeys::Read(token));
  HR_TRY_ASSIGN(const User* const user, FindUser(users, claims.user_access_key_id));
  HR_TRY_ASSIGN(s3::AccessKeys keys, sessions_.Verify(token, claims, user->keys.secret_access_key));
  if (keys.access_key_id != access_key_id) {
    return FailS3("InvalidAccessKeyId", "the access key is not the session token's");
  }
  if (clock_.WallNow() > claims.expires_at) {
    return FailS3("ExpiredToken", "the session has expired; create another one");
  }
  return Signer{.user = user, .keys = std::move(keys), .session = std::move(claims)};
}

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
  HR_TRY_ASSIGN(const Signer signer,
                FindSigner(*users, signature.access_key_id, signature.session_token));
  HR_TRY(CheckTime(signature));
  HR_TRY(CheckSignature(head, signature, signer.keys, identity));
  HR_TRY(CheckEverythingIsSigned(head.headers, signature.signed_names));
  identity.grant = GrantOf(std::move(users), signer.user, signer.session);
  identity.is_session = signer.session.has_value();
  return identity;
}

Status Authenticator::CheckSignature(const net::HttpRequestHead& head,
                                     const s3::ParsedSignature& signature,
                                     const s3::AccessKeys& keys, Identity& identity) {
  if (signature.is_asymmetric) {
    auto key = asymmetric_keys_.KeyFor(keys);
    const auto text = s3::SigV4aStringToSign(head, signature);
    if (!text) return FailS3("SignatureDoesNotMatch", text.error().message());
    if (!s3::VerifySigV4a(*key, *text, signature.signature)) return WrongSignature();
    identity.chunks.emplace(std::move(key), signature.timestamp, signature.ScopeText(),
                            signature.signature);
  } else {
    const std::string& secret = keys.secret_access_key;
    const auto expected = s3::ExpectedSignature(head, signature, secret, signing_keys_);
    if (!expected) return FailS3("SignatureDoesNotMatch", expected.error().message());
    if (!EqualInConstantTime(*expected, signature.signature)) return WrongSignature();
    if (signature.payload_hash.starts_with("STREAMING-")) {
      identity.chunks.emplace(signing_keys_.KeyFor(secret, signature.scope), signature.timestamp,
                              signature.ScopeText(), signature.signature);
    }
  }
  identity.access_key_id = signature.access_key_id;
  identity.payload_hash = signature.payload_hash;
  return Ok();
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
  HR_TRY_ASSIGN(const Signer signer,
                FindSigner(*users, signature.access_key_id, form.session_token));
  // How long a form is good for, its policy says.
  signature.is_presigned = true;
  signature.lifetime = kPresignedLifetimeMax;
  HR_TRY(CheckTime(signature));
  const auto key = signing_keys_.KeyFor(signer.keys.secret_access_key, signature.scope);
  if (!EqualInConstantTime(s3::Signature(key, form.policy), form.signature)) {
    return WrongSignature();
  }
  identity.access_key_id = signature.access_key_id;
  identity.grant = GrantOf(std::move(users), signer.user, signer.session);
  identity.is_session = signer.session.has_value();
  return identity;
}

Result<NewSession> Authenticator::StartSession(const Identity& identity, std::string bucket,
                                               bool reads_only) {
  if (identity.is_session || identity.grant.is_anonymous()) {
    return FailS3("AccessDenied", "Access Denied: a session is made for a user's own keys");
  }
  SessionClaims claims{.user_access_key_id = identity.access_key_id,
                       .bucket = std::move(bucket),
                       .reads_only = reads_only};
  claims.expires_at =
      std::chrono::floor<std::chrono::seconds>(clock_.WallNow()) + SessionKeys::kLifetime;
  const User* const user = identity.grant.user();
  const std::string secret = user == nullptr ? std::string() : user->keys.secret_access_key;
  return NewSession{.keys = sessions_.Make(claims, secret), .expires_at = claims.expires_at};
}

}  // namespace headrace::gateway
