// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/retry.h"
#include "headrace/store/s3/s3_metrics.h"

namespace headrace::s3 {

// What a user says about the store to use. Everything left empty is found as the AWS SDKs find it:
// from the environment, then the profile, then the default.
struct S3Settings {
  std::string endpoint_url;   // --endpoint-url
  std::string profile;        // --profile
  std::string region;         // --region
  bool sign_requests = true;  // --no-sign-request turns it off.
  bool verify_tls = true;     // --no-verify-ssl turns it off.
  // Verify the checksums that the store sends with whole objects.
  bool verify_checksums = true;
  // --read-timeout, --connect-timeout; 0: net::HttpClientOptions' own.
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds connect_timeout{0};
  // AWS_MAX_ATTEMPTS or the profile's max_attempts replaces both of its counts.
  RetryOptions retry;
  // Where the store counts; null: nobody asks.
  std::shared_ptr<S3Metrics> metrics;
};

// An S3-compatible store over HTTP/1.1. It retries, follows a bucket to its region, corrects a
// wrong clock and renews credentials; what comes out is final.
//
// Uploads carry a CRC64NVME computed here unless the caller gives a checksum; parts of an upload
// that was created with another checksum_algorithm must be given theirs. A body that is not in
// memory is collected first, up to kCollectedBodyBytesMax (kInvalidArgument beyond): large ones go
// in parts.
//
// Threads and errors: as ObjectStore says. Lifetime: destroyed before the loops its calls ran on;
// outlives its calls.
class S3Store final : public ObjectStore {
 public:
  static constexpr uint64_t kCollectedBodyBytesMax = 64ULL << 20U;

  ~S3Store() override;

  // Another face of this store: its connections, credentials and pace, and what is sent through it
  // is counted in `metrics` as well. Outlives this one where need be.
  std::unique_ptr<S3Store> CountedIn(std::shared_ptr<S3Metrics> metrics) const;

  // The URL that lets anyone GET the object for `lifetime` (1 second to 7 days, kInvalidArgument
  // otherwise; shorter where the credentials themselves expire). Asks the store nothing.
  Task<Result<std::string>> PresignGet(const std::string& bucket, const std::string& key,
                                       std::chrono::seconds lifetime, const CallContext& context);

  bool is_over_tls() const override;

  Task<Result<std::vector<BucketInfo>>> ListBuckets(const CallContext& context) override;
  Task<Status> CreateBucket(const std::string& bucket, const CallContext& context) override;
  Task<Status> HeadBucket(const std::string& bucket, const CallContext& context) override;
  Task<Status> DeleteBucket(const std::string& bucket, const CallContext& context) override;

  Task<Result<ListPage>> List(const ListRequest& request, const CallContext& context) override;
  Task<Result<ObjectHead>> Head(const HeadRequest& request, const CallContext& context) override;
  Task<Result<GetResult>> Get(const GetRequest& request, const CallContext& context) override;

  Task<Result<PutResult>> Put(const PutRequest& request, ByteSource& body,
                              const CallContext& context) override;
  Task<Result<PutResult>> Copy(const CopyRequest& request, const CallContext& context) override;
  Task<Status> Delete(const DeleteRequest& request, const CallContext& context) override;
  Task<Result<std::vector<DeleteFailure>>> DeleteMany(const DeleteManyRequest& request,
                                                      const CallContext& context) override;

  Task<Result<MultipartUpload>> CreateMultipart(const CreateMultipartRequest& request,
                                                const CallContext& context) override;
  Task<Result<PartInfo>> UploadPart(const UploadPartRequest& request, ByteSource& body,
                                    const CallContext& context) override;
  Task<Result<PartInfo>> CopyPart(const CopyPartRequest& request,
                                  const CallContext& context) override;
  Task<Result<PutResult>> CompleteMultipart(const CompleteMultipartRequest& request,
                                            const CallContext& context) override;
  Task<Status> AbortMultipart(const MultipartUpload& upload, const CallContext& context) override;

 private:
  struct Parts;  // Configuration, connections, credentials and the request runner.
  friend Result<std::unique_ptr<S3Store>> OpenS3Store(const S3Settings&, const Environment&,
                                                      const Clock&);

  S3Store(std::shared_ptr<Parts> parts, std::shared_ptr<S3Metrics> apart);

  std::shared_ptr<Parts> parts_;      // Of all faces.
  std::shared_ptr<S3Metrics> apart_;  // Of this one; null: it is the first.
};

// Reads configuration files and environment now, credentials when the first request needs them.
// `clock` outlives the store. kInvalidArgument: an endpoint, profile or bundle that cannot be used;
// the message names it.
Result<std::unique_ptr<S3Store>> OpenS3Store(const S3Settings& settings,
                                             const Environment& environment, const Clock& clock);

}  // namespace headrace::s3
