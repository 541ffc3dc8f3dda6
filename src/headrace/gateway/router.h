// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/gateway/s3_request.h"

namespace headrace::gateway {

// The operations of the S3 API that are answered.
enum class Operation : uint8_t {
  kListBuckets,
  kCreateBucket,
  kHeadBucket,
  kDeleteBucket,
  kGetBucketLocation,
  kGetBucketVersioning,
  kGetBucketAcl,
  kCreateSession,
  kPutBucketAcl,
  // Of a bucket feature that no bucket here has: its NoSuch… error, the document that says so, and
  // the deletion of what is not there.
  kAnswerUnconfigured,
  kAnswerDefault,
  kDeleteUnconfigured,
  kListObjects,
  kListObjectsV2,
  kListObjectVersions,
  kListMultipartUploads,
  kDeleteObjects,
  kPostObject,
  kGetObject,
  kHeadObject,
  kPutObject,
  kCopyObject,
  kDeleteObject,
  kGetObjectTagging,
  kPutObjectTagging,
  kDeleteObjectTagging,
  kRenameObject,
  kGetObjectLock,  // Retention and legal hold.
  kGetObjectAcl,
  kPutObjectAcl,
  kGetObjectAttributes,
  kCreateMultipartUpload,
  kUploadPart,
  kUploadPartCopy,
  kCompleteMultipartUpload,
  kAbortMultipartUpload,
  kListParts,
};

enum class Scope : uint8_t { kService, kBucket, kObject };

struct Route {
  Operation operation;
  std::string_view name;  // As AWS writes it.
  std::string_view method;
  Scope scope;
  // Parameters that must be there, separated by spaces; "@copy" stands for x-amz-copy-source.
  std::string_view selectors;
  // Parameters that may be.
  std::string_view allowed;
  // The code of kAnswerUnconfigured, the document of kAnswerDefault: "Root" or "Root/Child=text".
  std::string_view detail;
};
std::span<const Route> Routes();

// The route a request takes. NotImplemented for a parameter that its operation does not have, so
// that "?something" is never taken for a plain object call; MethodNotAllowed.
Result<const Route*> FindRoute(std::string_view method, const S3Target& target,
                               bool has_copy_source);

}  // namespace headrace::gateway
