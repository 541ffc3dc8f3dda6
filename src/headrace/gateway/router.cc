// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/router.h"

#include <array>

#include <fmt/format.h>

#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr std::string_view kReading =
    "partNumber versionId response-content-type response-content-language response-expires "
    "response-cache-control response-content-disposition response-content-encoding";

constexpr Route Unconfigured(std::string_view name, std::string_view selector,
                             std::string_view code) {
  return {Operation::kAnswerUnconfigured, name, "GET", Scope::kBucket, selector, {}, code};
}

constexpr Route Default(std::string_view name, std::string_view selector, std::string_view root) {
  return {Operation::kAnswerDefault, name, "GET", Scope::kBucket, selector,
          "continuation-token",      root};
}

// S3 answers the deletion of a configuration that is not there as it does any other.
constexpr Route Deletion(std::string_view name, std::string_view selector) {
  return {Operation::kDeleteUnconfigured, name, "DELETE", Scope::kBucket, selector, {}, {}};
}

constexpr std::array kRoutes = {
    Route{Operation::kListBuckets, "ListBuckets", "GET", Scope::kService, "",
          "max-buckets prefix continuation-token bucket-region", ""},
    Route{Operation::kCreateBucket, "CreateBucket", "PUT", Scope::kBucket, "", "", ""},
    Route{Operation::kHeadBucket, "HeadBucket", "HEAD", Scope::kBucket, "", "", ""},
    Route{Operation::kDeleteBucket, "DeleteBucket", "DELETE", Scope::kBucket, "", "", ""},
    Route{Operation::kGetBucketLocation, "GetBucketLocation", "GET", Scope::kBucket, "location", "",
          ""},
    Route{Operation::kGetBucketVersioning, "GetBucketVersioning", "GET", Scope::kBucket,
          "versioning", "", ""},
    Route{Operation::kGetBucketAcl, "GetBucketAcl", "GET", Scope::kBucket, "acl", "", ""},
    Route{Operation::kCreateSession, "CreateSession", "GET", Scope::kBucket, "session", "", ""},
    Route{Operation::kPutBucketAcl, "PutBucketAcl", "PUT", Scope::kBucket, "acl", "", ""},
    Unconfigured("GetBucketPolicy", "policy", "NoSuchBucketPolicy"),
    Unconfigured("GetBucketPolicyStatus", "policyStatus", "NoSuchBucketPolicy"),
    Unconfigured("GetBucketCors", "cors", "NoSuchCORSConfiguration"),
    Unconfigured("GetBucketLifecycleConfiguration", "lifecycle", "NoSuchLifecycleConfiguration"),
    Unconfigured("GetBucketWebsite", "website", "NoSuchWebsiteConfiguration"),
    Unconfigured("GetPublicAccessBlock", "publicAccessBlock",
                 "NoSuchPublicAccessBlockConfiguration"),
    Unconfigured("GetBucketEncryption", "encryption",
                 "ServerSideEncryptionConfigurationNotFoundError"),
    Unconfigured("GetBucketTagging", "tagging", "NoSuchTagSet"),
    Unconfigured("GetBucketReplication", "replication", "ReplicationConfigurationNotFoundError"),
    Unconfigured("GetObjectLockConfiguration", "object-lock",
                 "ObjectLockConfigurationNotFoundError"),
    Unconfigured("GetBucketOwnershipControls", "ownershipControls",
                 "OwnershipControlsNotFoundError"),
    Unconfigured("GetBucketMetadataConfiguration", "metadataConfiguration",
                 "MetadataConfigurationNotFound"),
    Unconfigured("GetBucketMetadataTableConfiguration", "metadataTable",
                 "MetadataConfigurationNotFound"),
    Unconfigured("GetBucketAnalyticsConfiguration", "analytics id", "NoSuchConfiguration"),
    Unconfigured("GetBucketIntelligentTieringConfiguration", "intelligent-tiering id",
                 "NoSuchConfiguration"),
    Unconfigured("GetBucketInventoryConfiguration", "inventory id", "NoSuchConfiguration"),
    Unconfigured("GetBucketMetricsConfiguration", "metrics id", "NoSuchConfiguration"),
    Default("ListBucketAnalyticsConfigurations", "analytics",
            "ListBucketAnalyticsConfigurationsResult/IsTruncated=false"),
    Default("ListBucketIntelligentTieringConfigurations", "intelligent-tiering",
            "ListBucketIntelligentTieringConfigurationsResult/IsTruncated=false"),
    Default("ListBucketInventoryConfigurations", "inventory",
            "ListInventoryConfigurationsResult/IsTruncated=false"),
    Default("ListBucketMetricsConfigurations", "metrics",
            "ListMetricsConfigurationsResult/IsTruncated=false"),
    Default("GetBucketAccelerateConfiguration", "accelerate", "AccelerateConfiguration"),
    Default("GetBucketLogging", "logging", "BucketLoggingStatus"),
    Default("GetBucketNotificationConfiguration", "notification", "NotificationConfiguration"),
    Default("GetBucketRequestPayment", "requestPayment",
            "RequestPaymentConfiguration/Payer=BucketOwner"),
    Default("GetBucketAbac", "abac", "AbacStatus/Status=Disabled"),
    Deletion("DeleteBucketCors", "cors"),
    Deletion("DeleteBucketEncryption", "encryption"),
    Deletion("DeleteBucketLifecycle", "lifecycle"),
    Deletion("DeleteBucketOwnershipControls", "ownershipControls"),
    Deletion("DeleteBucketPolicy", "policy"),
    Deletion("DeleteBucketReplication", "replication"),
    Deletion("DeleteBucketTagging", "tagging"),
    Deletion("DeleteBucketWebsite", "website"),
    Deletion("DeletePublicAccessBlock", "publicAccessBlock"),
    Route{Operation::kListObjects, "ListObjects", "GET", Scope::kBucket, "",
          "prefix delimiter encoding-type max-keys marker", ""},
    Route{Operation::kListObjectsV2, "ListObjectsV2", "GET", Scope::kBucket, "list-type",
          "prefix delimiter encoding-type max-keys start-after continuation-token fetch-owner", ""},
    Route{Operation::kListObjectVersions, "ListObjectVersions", "GET", Scope::kBucket, "versions",
          "prefix delimiter encoding-type max-keys key-marker version-id-marker", ""},
    Route{Operation::kListMultipartUploads, "ListMultipartUploads", "GET", Scope::kBucket,
          "uploads", "prefix delimiter encoding-type max-uploads key-marker upload-id-marker", ""},
    Route{Operation::kDeleteObjects, "DeleteObjects", "POST", Scope::kBucket, "delete", "", ""},
    Route{Operation::kPostObject, "PostObject", "POST", Scope::kBucket, "", "", ""},
    Route{Operation::kGetObject, "GetObject", "GET", Scope::kObject, "", kReading, ""},
    Route{Operation::kHeadObject, "HeadObject", "HEAD", Scope::kObject, "", kReading, ""},
    Route{Operation::kPutObject, "PutObject", "PUT", Scope::kObject, "", "", ""},
    Route{Operation::kCopyObject, "CopyObject", "PUT", Scope::kObject, "@copy", "", ""},
    Route{Operation::kRenameObject, "RenameObject", "PUT", Scope::kObject, "renameObject", "", ""},
    Route{Operation::kGetObjectLock, "GetObjectLegalHold", "GET", Scope::kObject, "legal-hold",
          "versionId", ""},
    Route{Operation::kGetObjectLock, "GetObjectRetention", "GET", Scope::kObject, "retention",
          "versionId", ""},
    Route{Operation::kDeleteObject, "DeleteObject", "DELETE", Scope::kObject, "", "versionId", ""},
    Route{Operation::kGetObjectTagging, "GetObjectTagging", "GET", Scope::kObject, "tagging",
          "versionId", ""},
    Route{Operation::kPutObjectTagging, "PutObjectTagging", "PUT", Scope::kObject, "tagging",
          "versionId", ""},
    Route{Operation::kDeleteObjectTagging, "DeleteObjectTagging", "DELETE", Scope::kObject,
          "tagging", "versionId", ""},
    Route{Operation::kGetObjectAcl, "GetObjectAcl", "GET", Scope::kObject, "acl", "versionId", ""},
    Route{Operation::kPutObjectAcl, "PutObjectAcl", "PUT", Scope::kObject, "acl", "versionId", ""},
    Route{Operation::kGetObjectAttributes, "GetObjectAttributes", "GET", Scope::kObject,
          "attributes", "versionId", ""},
    Route{Operation::kCreateMultipartUpload, "CreateMultipartUpload", "POST", Scope::kObject,
          "uploads", "", ""},
    Route{Operation::kUploadPart, "UploadPart", "PUT", Scope::kObject, "uploadId partNumber", "",
          ""},
    Route{Operation::kUploadPartCopy, "UploadPartCopy", "PUT", Scope::kObject,
          "uploadId partNumber @copy", "", ""},
    Route{Operation::kCompleteMultipartUpload, "CompleteMultipartUpload", "POST", Scope::kObject,
          "uploadId", "", ""},
    Route{Operation::kAbortMultipartUpload, "AbortMultipartUpload", "DELETE", Scope::kObject,
          "uploadId", "", ""},
    Route{Operation::kListParts, "ListParts", "GET", Scope::kObject, "uploadId",
          "max-parts part-number-marker encoding-type", ""},
};

// Calls `visit` for each word until it says false; true: all said true.
template <typename Visit>
bool EachWord(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const size_t space = words.find(' ');
    if (!visit(words.substr(0, space))) return false;
    words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
  }
  return true;
}

bool HasWord(std::string_view words, std::string_view word) {
  return !EachWord(words, [&](std::string_view one) { return one != word; });
}

// How many selectors the request fulfils; -1: not all of the route's.
int SelectorCount(const Route& route, const S3Target& target, bool has_copy_source) {
  int count = 0;
  const bool fits = EachWord(route.selectors, [&](std::string_view word) {
    ++count;
    return word == "@copy" ? has_copy_source : target.Query(word).has_value();
  });
  return fits ? count : -1;
}

// S3 ignores parameters that begin with "x-": clients add x-id to tell operations apart in logs.
bool IsForAll(std::string_view name) {
  return name.starts_with("x-") || name.starts_with("X-Amz-") || name == "AWSAccessKeyId";
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

Result<const Route*> FindRoute(std::string_view method, const S3Target& target,
                               bool has_copy_source) {
  const Scope scope = target.bucket.empty() ? Scope::kService
                      : target.key.empty()  ? Scope::kBucket
                                            : Scope::kObject;
  const Route* best = nullptr;
  int best_count = -1;
  for (const Route& route : kRoutes) {
    if (route.method != method || route.scope != scope) continue;
    const int count = SelectorCount(route, target, has_copy_source);
    if (count <= best_count) continue;
    best = &route;
    best_count = count;
  }
  if (best == nullptr) {
    if (!target.query.empty() && !IsForAll(target.query.front().first)) {
      return FailS3("NotImplemented", fmt::format("{} with '?{}' is not implemented", method,
                                                  target.query.front().first));
    }
    return FailS3("MethodNotAllowed",
                  fmt::format("the method {} is not allowed against this resource", method));
  }
  for (const auto& [name, value] : target.query) {
    if (HasWord(best->selectors, name) || HasWord(best->allowed, name) || IsForAll(name)) continue;
    return FailS3("NotImplemented",
                  fmt::format("{} with '?{}' is not implemented", best->name, name));
  }
  return best;
}

}  // namespace headrace::gateway
