// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/gateway/gateway.h"
#include "headrace/gateway/request_body.h"
#include "headrace/gateway/router.h"
#include "headrace/gateway/s3_request.h"
#include "headrace/gateway/xml_answer.h"

namespace headrace::gateway {

// One request on its way through the gateway.
struct S3Call {
  net::HttpServerCall& http;
  ServingStore& store;
  const GatewayOptions& options;
  const Clock& clock;
  Authenticator& authenticator;  // For signatures inside a body.
  const std::string& request_id;
  const Route& route;
  S3Target target;
  Identity identity;
  CallContext context;

  const net::HttpHeaders& headers() const { return http.head().headers; }
  std::string_view Header(std::string_view name) const { return headers().Value(name); }
};

// Each answers one request. An error becomes an S3 error answer, if nothing was sent yet.
Task<Status> AnswerListBuckets(S3Call& call);
Task<Status> AnswerCreateBucket(S3Call& call);
Task<Status> AnswerHeadBucket(S3Call& call);
Task<Status> AnswerDeleteBucket(S3Call& call);
Task<Status> AnswerBucketLocation(S3Call& call);
Task<Status> AnswerBucketVersioning(S3Call& call);
Task<Status> AnswerCreateSession(S3Call& call);
Task<Status> AnswerAcl(S3Call& call);
Task<Status> AnswerUnconfigured(S3Call& call);
Task<Status> AnswerDefault(S3Call& call);
Task<Status> AnswerDeleteUnconfigured(S3Call& call);
Task<Status> AnswerListObjects(S3Call& call);
Task<Status> AnswerListUploads(S3Call& call);
Task<Status> AnswerDeleteObjects(S3Call& call);

Task<Status> AnswerRead(S3Call& call);  // GetObject and HeadObject
Task<Status> AnswerGetAttributes(S3Call& call);
Task<Status> AnswerPostObject(S3Call& call);  // A browser's form
Task<Status> AnswerPutObject(S3Call& call);
Task<Status> AnswerCopyObject(S3Call& call);
Task<Status> AnswerRenameObject(S3Call& call);
Task<Status> AnswerDeleteObject(S3Call& call);
Task<Status> AnswerGetObjectLock(S3Call& call);
Task<Status> AnswerGetTagging(S3Call& call);
Task<Status> AnswerPutTagging(S3Call& call);  // DeleteObjectTagging too
Task<Status> AnswerPutAcl(S3Call& call);      // Of objects and buckets

Task<Status> AnswerCreateUpload(S3Call& call);
Task<Status> AnswerUploadPart(S3Call& call);
Task<Status> AnswerUploadPartCopy(S3Call& call);
Task<Status> AnswerCompleteUpload(S3Call& call);
Task<Status> AnswerAbortUpload(S3Call& call);
Task<Status> AnswerListParts(S3Call& call);

// An answer's head with the fields every answer has.
net::HttpResponseHead StartHead(const S3Call& call, int status);
void AddCommonFields(net::HttpResponseHead& head, std::string_view request_id);
// x-amz-checksum-crc32c and x-amz-checksum-type.
void AddChecksumFields(net::HttpResponseHead& head, const Checksum& checksum);
// "ChecksumCRC32C"
std::string ChecksumElement(ChecksumAlgorithm algorithm);
void AddChecksum(XmlAnswer& xml, const Checksum& checksum);
// "COMPOSITE" or "FULL_OBJECT"
std::string_view ChecksumType(bool is_composite);
// x-amz-checksum-algorithm; nothing: none asked for. InvalidRequest for one that is not known.
Result<std::optional<ChecksumAlgorithm>> AskedChecksum(const S3Call& call);
// What this server does not do with an object's bytes must not look done: NotImplemented for
// customer keys, KMS and object locks.
Status CheckProtection(const net::HttpHeaders& headers);
// The four x-amz-copy-source-if-… conditions: PreconditionFailed.
Status CheckCopySource(const S3Call& call, const ObjectInfo& source);
// The address of `key` in the call's bucket, as the client reached the server.
std::string LocationOf(const S3Call& call, std::string_view key);
Task<Status> RespondXml(S3Call& call, XmlAnswer xml);
Task<Status> RespondEmpty(S3Call& call, int status);
// NoSuchVersion unless the request names no version or "null".
Status CheckVersion(const S3Call& call);
std::unexpected<Error> NoSuchVersion();
// The body of a request that carries XML.
Task<Result<std::string>> ReadXmlBody(S3Call& call);
// A number parameter: nothing given means `otherwise`. InvalidArgument when it is none.
Result<uint32_t> NumberQuery(const S3Call& call, std::string_view name, uint32_t otherwise);

}  // namespace headrace::gateway
