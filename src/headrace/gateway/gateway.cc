// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/gateway.h"

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/log.h"
#include "headrace/base/random.h"
#include "headrace/base/text.h"
#include "headrace/gateway/request_record.h"
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

std::string MakeRequestId() {
  thread_local Random random = Random::FromEntropy();
  return fmt::format("{:016X}", random.Next());
}

// No initialisers: a switch keeps the compiler's word that no operation was forgotten.
Task<Status> Dispatch(S3Call& call) {
  switch (call.route.operation) {
    case Operation::kListBuckets:
      return AnswerListBuckets(call);
    case Operation::kCreateBucket:
      return AnswerCreateBucket(call);
    case Operation::kHeadBucket:
      return AnswerHeadBucket(call);
    case Operation::kDeleteBucket:
      return AnswerDeleteBucket(call);
    case Operation::kGetBucketLocation:
      return AnswerBucketLocation(call);
    case Operation::kGetBucketVersioning:
      return AnswerBucketVersioning(call);
    case Operation::kGetBucketAcl:
    case Operation::kGetObjectAcl:
      return AnswerAcl(call);
    case Operation::kCreateSession:
      return AnswerCreateSession(call);
    case Operation::kPutObjectAcl:
    case Operation::kPutBucketAcl:
      return AnswerPutAcl(call);
    case Operation::kAnswerDefault:
      return AnswerDefault(call);
    case Operation::kDeleteUnconfigured:
      return AnswerDeleteUnconfigured(call);
    case Operation::kRenameObject:
      return AnswerRenameObject(call);
    case Operation::kGetObjectLock:
      return AnswerGetObjectLock(call);
    case Operation::kAnswerUnconfigured:
      return AnswerUnconfigured(call);
    case Operation::kListObjects:
    case Operation::kListObjectsV2:
    case Operation::kListObjectVersions:
      return AnswerListObjects(call);
    case Operation::kListMultipartUploads:
      return AnswerListUploads(call);
    case Operation::kDeleteObjects:
      return AnswerDeleteObjects(call);
    case Operation::kPostObject:
      return AnswerPostObject(call);
    case Operation::kGetObject:
    case Operation::kHeadObject:
      return AnswerRead(call);
    case Operation::kPutObject:
      return AnswerPutObject(call);
    case Operation::kCopyObject:
      return AnswerCopyObject(call);
    case Operation::kDeleteObject:
      return AnswerDeleteObject(call);
    case Operation::kGetObjectTagging:
      return AnswerGetTagging(call);
    case Operation::kPutObjectTagging:
    case Operation::kDeleteObjectTagging:
      return AnswerPutTagging(call);
    case Operation::kGetObjectAttributes:
      return AnswerGetAttributes(call);
    case Operation::kCreateMultipartUpload:
      return AnswerCreateUpload(call);
    case Operation::kUploadPart:
      return AnswerUploadPart(call);
    case Operation::kUploadPartCopy:
      return AnswerUploadPartCopy(call);
    case Operation::kCompleteMultipartUpload:
      return AnswerCompleteUpload(call);
    case Operation::kAbortMultipartUpload:
      return AnswerAbortUpload(call);
    case Operation::kListParts:
      return AnswerListParts(call);
  }
  CheckFailed("known operation", __FILE__, __LINE__);
}

std::string ErrorXml(const std::string& s3_code, std::string_view message,
                     std::string_view resource, const std::string& request_id,
                     std::string_view region) {
  XmlAnswer xml("Error", XmlAnswer::Namespace::kNone);
  xml.Text("Code", s3_code).Text("Message", message).Text("Resource", resource);
  // What the SDKs sign for next.
  if (s3_code == "AuthorizationHeaderMalformed") xml.Text("Region", region);
  xml.Text("RequestId", request_id).Text("HostId", "headrace");
  return std::move(xml).End();
}

net::HttpResponseHead ErrorHead(const std::string& s3_code, const std::string& request_id) {
  net::HttpResponseHead head{.status = HttpStatusOf(s3_code), .headers = {}};
  AddCommonFields(head, request_id);
  head.headers.Add("Content-Type", "application/xml");
  return head;
}

}  // namespace

Task<void> Gateway::RespondError(net::HttpServerCall& http, RequestRecord& record,
                                 const Error& error) const {
  record.error_code = S3CodeOf(error);
  const net::HttpResponseHead head = ErrorHead(record.error_code, record.request_id);
  // The path alone: a presigned query holds a signature.
  const std::string resource = http.head().target.substr(0, http.head().target.find('?'));
  const std::string text =
      ErrorXml(record.error_code, error.message(), resource, record.request_id, options_.region);
  (void)co_await http.Respond(head, AsBytes(text));
}

namespace {

Status CheckRequest(const net::HttpRequestHead& head, const Grant& grant, const Route& route,
                    const S3Target& target) {
  std::optional<std::string> source_bucket;
  if (const auto copy_source = head.headers.Find("x-amz-copy-source")) {
    // The operation says what is wrong with one that cannot be read.
    const auto source = ParseCopySource(*copy_source);
    if (source) source_bucket = source->bucket;
  }
  return CheckAccess(grant, route, target, source_bucket);
}

}  // namespace

Gateway::Gateway(ServingStore& store, GatewayOptions options, const Clock& clock)
    : store_(store),
      options_(std::move(options)),
      clock_(clock),
      authenticator_(options_.authenticator, clock) {}

Gateway::~Gateway() = default;

Task<void> Gateway::Handle(net::HttpServerCall& http) {
  if (options_.metrics != nullptr) options_.metrics->Begin();
  RequestRecord record{.request_id = MakeRequestId()};
  bool is_served = true;
  if (options_.shape) is_served = co_await MeetFate(http, record);
  if (is_served) co_await Answer(http, record);
  NoteEnd(http, record);
}

Task<bool> Gateway::MeetFate(net::HttpServerCall& http, RequestRecord& record) {
  const Fate fate = FateOf(*options_.shape, request_count_.fetch_add(1, std::memory_order_relaxed));
  record.fate = fate.kind;
  if (fate.delay.count() > 0) co_await Sleep(fate.delay);
  if (fate.kind == FateKind::kReset) http.ResetPartway(fate.reset_share);
  if (fate.kind != FateKind::kError503) co_return true;
  const Error error = FailS3("SlowDown", "Please reduce your request rate.").error();
  co_await RespondError(http, record, error);
  co_return false;
}

void Gateway::NoteEnd(const net::HttpServerCall& http, RequestRecord& record) {
  if (options_.metrics == nullptr && options_.access_log == nullptr) return;
  CompleteRecord(record, http, RealClock().Now());
  if (options_.metrics != nullptr) options_.metrics->End(record);
  if (options_.access_log == nullptr) return;
  options_.access_log->Write(
      AccessLogLine(record, http.head(), http.remote_address(), clock_.WallNow()));
}

net::HttpRefusal Gateway::AnswerBadHead(const net::HttpBadHead& bad) {
  RequestRecord record{.request_id = MakeRequestId()};
  record.error_code = bad.status == 431   ? "RequestHeaderSectionTooLarge"
                      : bad.status == 408 ? "RequestTimeout"
                                          : "BadRequest";
  net::HttpRefusal answer{
      .head = ErrorHead(record.error_code, record.request_id),
      .body = ErrorXml(record.error_code, bad.message, "", record.request_id, options_.region)};
  record.status = answer.head.status;
  record.sent_bytes = answer.body.size();
  if (options_.metrics != nullptr) options_.metrics->NoteBadHead(record.status);
  if (options_.access_log != nullptr) {
    const net::HttpRequestHead unread;
    options_.access_log->Write(AccessLogLine(record, unread, bad.remote_address, clock_.WallNow()));
  }
  return answer;
}

Task<void> Gateway::Answer(net::HttpServerCall& http, RequestRecord& record) {
  auto target = ParseS3Target(http.head(), options_.domains);
  if (!target) co_return co_await RespondError(http, record, target.error());
  if (options_.access_log != nullptr) {
    record.bucket = target->bucket;
    record.key = target->key;
  }
  auto identity = authenticator_.Verify(http.head());
  if (!identity) co_return co_await RespondError(http, record, identity.error());
  record.user = identity->access_key_id;
  const bool has_copy_source = http.head().headers.Find("x-amz-copy-source").has_value();
  const auto route = FindRoute(http.head().method, *target, has_copy_source);
  if (!route) co_return co_await RespondError(http, record, route.error());
  record.route = *route;
  const Status allowed = CheckRequest(http.head(), identity->grant, **route, *target);
  if (!allowed) co_return co_await RespondError(http, record, allowed.error());
  S3Call call{.http = http,
              .store = store_,
              .options = options_,
              .clock = clock_,
              .authenticator = authenticator_,
              .request_id = record.request_id,
              .route = **route,
              .target = std::move(*target),
              .identity = std::move(*identity)};
  const Status status = co_await Dispatch(call);
  if (!status) record.error_code = S3CodeOf(status.error());
  if (status || http.has_responded()) co_return;
  if (status.error().code() == ErrorCode::kInternal) {
    Log(LogLevel::kError, "{} {}: {}", call.route.name, record.request_id,
        status.error().message());
  }
  co_await RespondError(http, record, status.error());
}

void AddCommonFields(net::HttpResponseHead& head, std::string_view request_id) {
  head.headers.Add("Server", "headrace");
  head.headers.Add("x-amz-request-id", std::string(request_id));
  head.headers.Add("x-amz-id-2", "headrace");
}

net::HttpResponseHead StartHead(const S3Call& call, int status) {
  net::HttpResponseHead head{.status = status};
  AddCommonFields(head, call.request_id);
  return head;
}

void AddChecksumFields(net::HttpResponseHead& head, const Checksum& checksum) {
  std::string name = "x-amz-checksum-";
  name += ChecksumHeaderSuffix(checksum.algorithm);
  head.headers.Add(std::move(name), checksum.value);
  head.headers.Add("x-amz-checksum-type", std::string(ChecksumType(checksum.is_composite)));
}

std::string_view ChecksumType(bool is_composite) {
  return is_composite ? "COMPOSITE" : "FULL_OBJECT";
}

Result<std::optional<ChecksumAlgorithm>> AskedChecksum(const S3Call& call) {
  const std::string_view name = call.Header("x-amz-checksum-algorithm");
  if (name.empty()) return std::nullopt;
  const auto algorithm = ParseChecksumAlgorithm(name);
  if (algorithm) return algorithm;
  return FailS3("InvalidRequest", fmt::format("the checksum algorithm {} is not known", name));
}

Status CheckProtection(const net::HttpHeaders& headers) {
  constexpr std::string_view kEncryption = "x-amz-server-side-encryption";
  if (headers.Find("x-amz-server-side-encryption-customer-algorithm") ||
      headers.Value(kEncryption).starts_with("aws:")) {
    return FailS3("NotImplemented",
                  "objects are stored as they are: encryption by customer keys or KMS is not "
                  "implemented");
  }
  if (headers.Find("x-amz-object-lock-mode") || headers.Find("x-amz-object-lock-legal-hold")) {
    return FailS3("InvalidRequest", "Bucket is missing Object Lock Configuration");
  }
  return Ok();
}

std::string ChecksumElement(ChecksumAlgorithm algorithm) {
  return std::string("Checksum").append(ChecksumName(algorithm));
}

void AddChecksum(XmlAnswer& xml, const Checksum& checksum) {
  xml.Text(ChecksumElement(checksum.algorithm), checksum.value);
  xml.Text("ChecksumType", ChecksumType(checksum.is_composite));
}

std::string LocationOf(const S3Call& call, std::string_view key) {
  std::string url = fmt::format("{}://{}/", call.options.scheme, call.Header("Host"));
  if (!call.target.is_virtual_host) url.append(call.target.bucket).append("/");
  return url + UriEncodePath(key);
}

Task<Status> RespondXml(S3Call& call, XmlAnswer xml) {
  net::HttpResponseHead head = StartHead(call, 200);
  head.headers.Add("Content-Type", "application/xml");
  const std::string text = std::move(xml).End();
  co_return co_await call.http.Respond(head, AsBytes(text));
}

Task<Status> RespondEmpty(S3Call& call, int status) {
  const net::HttpResponseHead head = StartHead(call, status);
  co_return co_await call.http.Respond(head, {});
}

Status CheckVersion(const S3Call& call) {
  const auto version = call.target.Query("versionId");
  if (!version || *version == "null") return Ok();
  return NoSuchVersion();
}

std::unexpected<Error> NoSuchVersion() {
  return FailS3("NoSuchVersion", "the only version of an object is 'null'");
}

Result<uint32_t> NumberQuery(const S3Call& call, std::string_view name, uint32_t otherwise) {
  const auto text = call.target.Query(name);
  if (!text || text->empty()) return otherwise;
  const auto number = ParseDecimal(*text);
  if (!number || *number > INT32_MAX) {
    return FailS3("InvalidArgument", fmt::format("{} must be a number up to 2147483647", name));
  }
  return static_cast<uint32_t>(*number);
}

}  // namespace headrace::gateway
