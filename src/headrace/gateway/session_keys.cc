// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/session_keys.h"

#include <array>
#include <cstdint>
#include <span>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/base/text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

// "hrs1.CLAIMS.MAC", both in hexadecimal digits.
constexpr std::string_view kPrefix = "hrs1.";
constexpr size_t kProcessSecretBytes = 32;
constexpr size_t kClaimCount = 4;

int64_t UnixSeconds(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string TextOf(const SessionClaims& claims) {
  return fmt::format("{}\n{}\n{}\n{}", claims.user_access_key_id, claims.bucket,
                     claims.reads_only ? "r" : "w", UnixSeconds(claims.expires_at));
}

std::unexpected<Error> WrongToken() {
  return FailS3("InvalidToken", "the session token is not one of this server's; create a session");
}

}  // namespace

SessionKeys::SessionKeys() : secret_(RandomHex(kProcessSecretBytes)) {}

s3::AccessKeys SessionKeys::Make(const SessionClaims& claims, std::string_view user_secret) const {
  const std::string text = TextOf(claims);
  const Sha256Digest key = HmacSha256(AsBytes(secret_), user_secret);
  const auto derive = [&](std::string_view purpose) {
    return HexEncode(HmacSha256(key, fmt::format("{}\n{}", purpose, text)));
  };
  constexpr size_t kIdDigits = 20;
  return {
      .access_key_id = "HRSESSION" + derive("id").substr(0, kIdDigits),
      .secret_access_key = derive("secret"),
      .session_token = fmt::format("{}{}.{}", kPrefix, HexEncode(AsBytes(text)), derive("token"))};
}

bool SessionKeys::IsToken(std::string_view token) { return token.starts_with(kPrefix); }

Result<SessionClaims> SessionKeys::Read(std::string_view token) {
  if (!IsToken(token)) return WrongToken();
  token.remove_prefix(kPrefix.size());
  const auto text = HexDecode(token.substr(0, token.find('.')));
  if (!text) return WrongToken();
  std::array<std::string_view, kClaimCount> claims;
  std::string_view rest = *text;
  for (std::string_view& claim : claims) {
    claim = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), claim.size() + 1));
  }
  const auto seconds = ParseDecimal(claims[3]);
  if (!seconds || *seconds > INT32_MAX * 4ULL) return WrongToken();
  return SessionClaims{.user_access_key_id = std::string(claims[0]),
                       .bucket = std::string(claims[1]),
                       .reads_only = claims[2] == "r",
                       .expires_at = SystemTime(std::chrono::seconds(*seconds))};
}

Result<s3::AccessKeys> SessionKeys::Verify(std::string_view token, const SessionClaims& claims,
                                           std::string_view user_secret) const {
  s3::AccessKeys keys = Make(claims, user_secret);
  if (!EqualInConstantTime(keys.session_token, token)) return WrongToken();
  return keys;
}

}  // namespace headrace::gateway
