// SPDX-License-Identifier: Apache-2.0
// The server's side of sigv4.h.
#include <algorithm>
#include <string>
#include <utility>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::s3 {
namespace {

std::string_view QueryOf(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// The decoded value of the first parameter of that name; nothing when there is none.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    const size_t equals = piece.find('=');
    if (UriDecode(piece.substr(0, equals), true) != name) continue;
    return UriDecode(equals == std::string_view::npos ? "" : piece.substr(equals + 1), true);
  }
  return std::nullopt;
}

Status CheckParts(const ParsedSignature& parsed) {
  // A signature of the asymmetric kind is judged by who decodes it.
  if (!parsed.is_asymmetric && parsed.signature.size() != 64) {
    return Fail(ErrorCode::kInvalidArgument, "the signature is not 64 hexadecimal digits");
  }
  if (!ParseAmzDate(parsed.timestamp)) {
    return Fail(ErrorCode::kInvalidArgument, "the request has no valid x-amz-date");
  }
  if (parsed.timestamp.substr(0, 8) != parsed.scope.date) {
    return Fail(ErrorCode::kInvalidArgument,
                "the date of the signature's Credential is not that of x-amz-date");
  }
  const std::string names = ";" + parsed.signed_names + ";";
  if (names.find(";host;") == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "the signature does not cover the Host header");
  }
  return Ok();
}

Result<std::optional<ParsedSignature>> ParseHeader(const net::HttpRequestHead& head,
                                                   std::string_view authorization) {
  ParsedSignature parsed;
  parsed.is_asymmetric = authorization.starts_with(kSigV4aAlgorithm);
  if (!parsed.is_asymmetric && !authorization.starts_with(kSigV4Algorithm)) {
    return Fail(ErrorCode::kInvalidArgument,
                "only AWS4-HMAC-SHA256 signatures are understood; set the client to Signature "
                "Version 4");
  }
  std::string_view rest =
      authorization.substr(parsed.is_asymmetric ? kSigV4aAlgorithm.size() : kSigV4Algorithm.size());
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    const std::string_view item = Trim(piece);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view value = item.substr(equals + 1);
    if (item.starts_with("Credential=")) {
      HR_TRY(ParseCredential(value, parsed));
    } else if (item.starts_with("SignedHeaders=")) {
      parsed.signed_names = value;
    } else if (item.starts_with("Signature=")) {
      parsed.signature = value;
    }
  }
  parsed.timestamp = head.headers.Value("x-amz-date");
  parsed.session_token = head.headers.Value("x-amz-security-token");
  if (parsed.session_token.empty()) {
    parsed.session_token = head.headers.Value("x-amz-s3session-token");
  }
  if (parsed.is_asymmetric && !head.headers.Find("x-amz-region-set")) {
    return Fail(ErrorCode::kInvalidArgument, "the signed request has no x-amz-region-set");
  }
  parsed.payload_hash = head.headers.Value("x-amz-content-sha256");
  if (parsed.payload_hash.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the signed request has no x-amz-content-sha256");
  }
  HR_TRY(CheckParts(parsed));
  return parsed;
}

Result<std::optional<ParsedSignature>> ParsePresigned(const net::HttpRequestHead& head) {
  const std::string_view query = QueryOf(head.target);
  const std::string algorithm = QueryValue(query, "X-Amz-Algorithm").value_or("");
  ParsedSignature parsed;
  parsed.is_asymmetric = algorithm == kSigV4aAlgorithm;
  if (!parsed.is_asymmetric && algorithm != kSigV4Algorithm) {
    return Fail(ErrorCode::kInvalidArgument, "X-Amz-Algorithm is not AWS4-HMAC-SHA256");
  }
  if (parsed.is_asymmetric && !QueryValue(query, "X-Amz-Region-Set")) {
    return Fail(ErrorCode::kInvalidArgument, "the signed request has no X-Amz-Region-Set");
  }
  parsed.is_presigned = true;
  HR_TRY(ParseCredential(QueryValue(query, "X-Amz-Credential").value_or(""), parsed));
  parsed.timestamp = QueryValue(query, "X-Amz-Date").value_or("");
  parsed.signed_names = QueryValue(query, "X-Amz-SignedHeaders").value_or("");
  parsed.signature = QueryValue(query, "X-Amz-Signature").value_or("");
  parsed.session_token = QueryValue(query, "X-Amz-Security-Token").value_or("");
  if (parsed.session_token.empty()) {
    parsed.session_token = QueryValue(query, "X-Amz-S3session-Token").value_or("");
  }
  const auto named_hash = QueryValue(query, "X-Amz-Content-Sha256");
  const auto header_hash = head.headers.Find("x-amz-content-sha256");
  parsed.payload_hash = named_hash    ? *named_hash
                        : header_hash ? std::string(*header_hash)
                                      : std::string(kUnsignedPayload);
  constexpr uint64_t kSecondsMax = 7ULL * 24 * 3600;
  const auto seconds = ParseDecimal(QueryValue(query, "X-Amz-Expires").value_or(""));
  if (!seconds || *seconds == 0 || *seconds > kSecondsMax) {
    return Fail(ErrorCode::kInvalidArgument, "X-Amz-Expires is not between 1 and 604800 seconds");
  }
  parsed.lifetime = std::chrono::seconds(*seconds);
  HR_TRY(CheckParts(parsed));
  return parsed;
}

}  // namespace

Status ParseCredential(std::string_view text, ParsedSignature& parsed) {
  const std::unexpected<Error> wrong =
      Fail(ErrorCode::kInvalidArgument,
           parsed.is_asymmetric
               ? "the Credential of the signature is not KEY/DATE/SERVICE/aws4_request"
               : "the Credential of the signature is not KEY/DATE/REGION/SERVICE/aws4_request");
  std::string_view rest = text;
  const auto take_last = [&rest]() -> std::optional<std::string_view> {
    const size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view piece = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
    return piece;
  };
  const auto end = take_last();
  const auto service = take_last();
  const auto region = parsed.is_asymmetric ? std::optional<std::string_view>("") : take_last();
  const auto date = take_last();
  if (!date || !region || rest.empty() || date->size() != 8 || end != "aws4_request") return wrong;
  parsed.access_key_id = rest;
  parsed.scope = {
      .date = std::string(*date), .region = std::string(*region), .service = std::string(*service)};
  return Ok();
}

std::string ParsedSignature::ScopeText() const {
  if (!is_asymmetric) return scope.Text();
  return scope.date + "/" + scope.service + "/aws4_request";
}

Result<std::optional<ParsedSignature>> ParseSignature(const net::HttpRequestHead& head) {
  if (const auto authorization = head.headers.Find("Authorization")) {
    return ParseHeader(head, *authorization);
  }
  const std::string_view query = QueryOf(head.target);
  if (QueryValue(query, "X-Amz-Algorithm") || QueryValue(query, "X-Amz-Signature")) {
    return ParsePresigned(head);
  }
  return std::optional<ParsedSignature>();
}

Result<std::string> CanonicalRequestOf(const net::HttpRequestHead& head,
                                       const ParsedSignature& parsed) {
  const std::string_view target = head.target;
  const auto uri = CanonicalUri(target.substr(0, target.find('?')));
  const auto query = CanonicalQuery(QueryOf(target), parsed.is_presigned ? "X-Amz-Signature" : "");
  if (!uri || !query) {
    return Fail(ErrorCode::kInvalidArgument, "the request target is not percent-encoded correctly");
  }
  const auto headers = CanonicalHeadersListed(head.headers, parsed.signed_names);
  if (!headers) {
    return Fail(ErrorCode::kInvalidArgument,
                "the signature covers a header that did not arrive (" + parsed.signed_names + ")");
  }
  return CanonicalRequest(head.method, *uri, *query, *headers, parsed.payload_hash);
}

Result<std::string> ExpectedSignature(const net::HttpRequestHead& head,
                                      const ParsedSignature& parsed,
                                      std::string_view secret_access_key, SigningKeyCache& cache) {
  HR_TRY_ASSIGN(const std::string canonical_request, CanonicalRequestOf(head, parsed));
  const std::string string_to_sign =
      StringToSign(parsed.timestamp, parsed.scope.Text(), canonical_request);
  return Signature(cache.KeyFor(secret_access_key, parsed.scope), string_to_sign);
}

}  // namespace headrace::s3
