// SPDX-License-Identifier: Apache-2.0
// The client's side of sigv4.h.
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/encoding.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::s3 {
namespace {

// Nearly every query a client makes has no parameter (GET, PUT of an object) and needs no sorting.
std::string SortedQuery(std::string_view query) {
  if (query.empty()) return {};
  // The client encoded it itself, so it decodes.
  auto sorted = CanonicalQuery(query);
  HR_CHECK(sorted.has_value());
  return std::move(*sorted);
}

CredentialScope ScopeOf(const Signer& signer, std::string_view timestamp) {
  return {.date = std::string(timestamp.substr(0, 8)),
          .region = std::string(signer.region),
          .service = std::string(signer.service)};
}

}  // namespace

void SignHeaders(const RequestToSign& request, const Signer& signer, net::HttpHeaders& headers) {
  const std::string timestamp = FormatAmzDate(signer.time);
  const CredentialScope scope = ScopeOf(signer, timestamp);
  const std::string scope_text = scope.Text();

  headers.Add("x-amz-date", timestamp);
  if (signer.service == "s3") {
    headers.Add("x-amz-content-sha256", std::string(request.payload_hash));
  }
  if (!signer.keys.session_token.empty()) {
    headers.Add("x-amz-security-token", signer.keys.session_token);
  }
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  fields.reserve(headers.fields().size() + 1);
  fields.emplace_back("host", request.host);
  for (const auto& [name, value] : headers.fields()) fields.emplace_back(name, value);

  const CanonicalHeaderList list = CanonicalHeaders(fields);
  const std::string canonical_request =
      CanonicalRequest(request.method, request.path.empty() ? "/" : request.path,
                       SortedQuery(request.query), list, request.payload_hash);
  const std::string string_to_sign = StringToSign(timestamp, scope_text, canonical_request);
  const Sha256Digest key = signer.cache.KeyFor(signer.keys.secret_access_key, scope);

  std::string authorization;
  authorization.reserve(200 + list.names.size() + signer.keys.access_key_id.size());
  authorization.append(kSigV4Algorithm).append(" Credential=");
  authorization.append(signer.keys.access_key_id).append("/").append(scope_text);
  authorization.append(",SignedHeaders=").append(list.names);
  authorization.append(",Signature=").append(Signature(key, string_to_sign));
  headers.Add("Authorization", std::move(authorization));
}

std::string PresignQuery(const RequestToSign& request, const Signer& signer,
                         std::chrono::seconds lifetime) {
  const std::string timestamp = FormatAmzDate(signer.time);
  const CredentialScope scope = ScopeOf(signer, timestamp);
  const std::string scope_text = scope.Text();

  std::string query(request.query);
  const auto add = [&query](std::string_view name, std::string_view value) {
    if (!query.empty()) query.push_back('&');
    query.append(name).append("=").append(UriEncode(value));
  };
  add("X-Amz-Algorithm", kSigV4Algorithm);
  add("X-Amz-Credential", signer.keys.access_key_id + "/" + scope_text);
  add("X-Amz-Date", timestamp);
  add("X-Amz-Expires", std::to_string(lifetime.count()));
  if (!signer.keys.session_token.empty()) {
    add("X-Amz-Security-Token", signer.keys.session_token);
  }
  add("X-Amz-SignedHeaders", "host");
  std::string canonical_query = SortedQuery(query);

  const std::pair<std::string_view, std::string_view> host("host", request.host);
  const CanonicalHeaderList list = CanonicalHeaders({&host, 1});
  const std::string canonical_request =
      CanonicalRequest(request.method, request.path.empty() ? "/" : request.path, canonical_query,
                       list, kUnsignedPayload);
  const std::string string_to_sign = StringToSign(timestamp, scope_text, canonical_request);
  const Sha256Digest key = signer.cache.KeyFor(signer.keys.secret_access_key, scope);
  return canonical_query.append("&X-Amz-Signature=").append(Signature(key, string_to_sign));
}

}  // namespace headrace::s3
