// SPDX-License-Identifier: Apache-2.0
// PostObject: the upload of a browser's form.
#include <array>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/gateway/form_body.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/gateway/xml_request.h"
#include "headrace/net/field_text.h"

namespace headrace::gateway {
namespace {

std::string Field(const FormFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

// The fields that a PutObject has as headers. A name or value with a line end would be a header of
// its own in every later answer.
Result<net::HttpHeaders> HeadersOf(const FormFields& fields) {
  net::HttpHeaders headers;
  for (const auto& [name, value] : fields) {
    if (name == "key" || name == "policy" || name == "tagging") continue;
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return FailS3("InvalidArgument", fmt::format("the field '{}' has a line end in it", name));
    }
    if (name.starts_with("x-amz-meta-") && !net::IsToken(name)) {
      return FailS3("InvalidArgument", "the name of a metadata field is none of a header");
    }
    headers.Add(name, value);
  }
  return headers;
}

Result<std::string> KeyOf(const FormFields& fields, const std::string& file_name) {
  constexpr std::string_view kFileName = "${filename}";
  std::string key = Field(fields, "key");
  if (key.empty()) {
    return FailS3("InvalidArgument", "Bucket POST must contain a field named 'key'");
  }
  // Old browsers send the whole path of the file.
  const std::string name = file_name.substr(file_name.find_last_of("/\\") + 1);
  if (const size_t at = key.find(kFileName); at != std::string::npos) {
    key.replace(at, kFileName.size(), name);
  }
  return key;
}

// x-amz-checksum-… of the file.
Result<std::optional<Checksum>> ChecksumOfFields(const FormFields& fields) {
  for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
    const std::string value =
        Field(fields, fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(algorithm)));
    if (value.empty()) continue;
    return std::optional(Checksum{.algorithm = algorithm, .value = value});
  }
  return std::nullopt;
}

// Where the browser is sent afterwards; empty: nowhere.
std::string Redirect(const FormFields& fields, std::string_view bucket, const std::string& key,
                     const std::string& etag) {
  std::string url = Field(fields, "success_action_redirect");
  if (url.empty()) url = Field(fields, "redirect");
  if (!url.starts_with("http://") && !url.starts_with("https://")) return {};
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url +
         fmt::format("bucket={}&key={}&etag=%22{}%22", UriEncode(bucket), UriEncode(key), etag);
}

// Who posts it, whether they may, and what their policy says.
Result<FileSizeRange> CheckForm(S3Call& call, const FormFields& fields) {
  const std::string policy = Field(fields, "policy");
  const std::string algorithm = Field(fields, "x-amz-algorithm");
  const std::string credential = Field(fields, "x-amz-credential");
  const std::string timestamp = Field(fields, "x-amz-date");
  const std::string signature = Field(fields, "x-amz-signature");
  const std::string session_token = Field(fields, "x-amz-security-token");
  HR_TRY_ASSIGN(const Identity sender,
                call.authenticator.VerifyForm({.algorithm = algorithm,
                                               .credential = credential,
                                               .timestamp = timestamp,
                                               .signature = signature,
                                               .session_token = session_token,
                                               .policy = policy}));
  if (!sender.grant.May(Right::kWrite, call.target.bucket)) {
    return FailS3("AccessDenied", "the sender of the form may not write to this bucket");
  }
  if (policy.empty()) return FileSizeRange{};
  return CheckPostPolicy(policy, fields, call.target.bucket, call.clock.WallNow());
}

Task<Status> RespondPosted(S3Call& call, const FormFields& fields, const std::string& key,
                           const PutResult& result) {
  const std::string redirect = Redirect(fields, call.target.bucket, key, result.etag);
  const std::string wanted = Field(fields, "success_action_status");
  const std::string location = LocationOf(call, key);
  int status = wanted == "200" ? 200 : wanted == "201" ? 201 : 204;
  if (!redirect.empty()) status = 303;
  net::HttpResponseHead head = StartHead(call, status);
  head.headers.Add("ETag", '"' + result.etag + '"');
  head.headers.Add("Location", redirect.empty() ? location : redirect);
  if (result.checksum) AddChecksumFields(head, *result.checksum);
  if (status != 201) co_return co_await call.http.Respond(head, {});
  head.headers.Add("Content-Type", "application/xml");
  XmlAnswer xml("PostResponse");
  xml.Text("Location", location).Text("Bucket", call.target.bucket).Text("Key", key);
  xml.Etag(result.etag);
  const std::string text = std::move(xml).End();
  co_return co_await call.http.Respond(head, AsBytes(text));
}

}  // namespace

Task<Status> AnswerPostObject(S3Call& call) {
  const auto boundary = FormBoundary(call.Header("Content-Type"));
  if (!boundary) {
    co_return FailS3("PreconditionFailed",
                     "Bucket POST must be of the enclosure-type multipart/form-data");
  }
  HR_CO_TRY_ASSIGN(RequestBody raw, RequestBody::MakeUnsummed(call.http, call.identity));
  FormBody body(raw, *boundary);
  HR_CO_TRY_ASSIGN(const FormFields fields, co_await body.ReadFields());
  HR_CO_TRY_ASSIGN(const FileSizeRange size, CheckForm(call, fields));
  body.SetSizeRange(size);
  HR_CO_TRY_ASSIGN(const net::HttpHeaders headers, HeadersOf(fields));
  HR_CO_TRY(CheckProtection(headers));
  PutRequest request{.bucket = call.target.bucket};
  HR_CO_TRY_ASSIGN(request.key, KeyOf(fields, body.file_name()));
  HR_CO_TRY_ASSIGN(request.attributes, AttributesOf(headers));
  if (const std::string tagging = Field(fields, "tagging"); !tagging.empty()) {
    HR_CO_TRY_ASSIGN(request.tags, ParseTagging(tagging));
  }
  HR_CO_TRY_ASSIGN(request.checksum, ChecksumOfFields(fields));
  HR_CO_TRY_ASSIGN(const PutResult result, co_await call.store.Put(request, body, call.context));
  co_return co_await RespondPosted(call, fields, request.key, result);
}

}  // namespace headrace::gateway
