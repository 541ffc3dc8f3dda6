// SPDX-License-Identifier: Apache-2.0
// S3Store's operations that write objects.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/store/multipart_etag.h"
#include "headrace/store/s3/object_headers.h"
#include "headrace/store/s3/s3_store_parts.h"
#include "headrace/store/s3/s3_xml.h"

namespace headrace::s3 {
namespace {

// Catches what the network or a proxy breaks; S3 keeps it as the object's full-object checksum.
constexpr ChecksumAlgorithm kUploadChecksum = ChecksumAlgorithm::kCrc64Nvme;

std::optional<Checksum> UploadChecksum(const std::optional<Checksum>& given,
                                       std::span<const std::byte> bytes, const S3Config& config) {
  if (given) return given;
  if (!config.sends_checksums) return std::nullopt;
  return ChecksumOf(kUploadChecksum, bytes);
}

std::string CopySource(const std::string& bucket, const std::string& key) {
  return fmt::format("/{}/{}", UriEncodePath(bucket), UriEncodePath(key));
}

std::string PartQuery(uint32_t part_number, const std::string& upload_id) {
  return QueryBuilder()
      .Add("partNumber", std::to_string(part_number))
      .Add("uploadId", upload_id)
      .Take();
}

PutResult AsPutResult(WriteResult result) {
  return {.etag = std::move(result.etag), .checksum = std::move(result.checksum)};
}

// A completion whose answer got lost has removed the upload: the next try hears NoSuchUpload though
// the object is there. Its ETag, which follows from the parts, tells.
class CompleteExchange final : public Exchange {
 public:
  CompleteExchange(S3Store& store, const CompleteMultipartRequest& request,
                   const CallContext& context, S3Request call)
      : store_(store),
        request_(request),
        context_(context),
        text_(std::move(call), kShortTextBytesMax, true) {}

  const S3Request& NextRequest() override { return text_.NextRequest(); }
  Task<Status> Receive(net::HttpAnswer& answer) override {
    HR_CO_TRY(co_await text_.Receive(answer));
    HR_CO_TRY_ASSIGN(WriteResult written,
                     While(AttemptOf(text_.NextRequest()), ReadWriteResult(text_.text())));
    result_ = AsPutResult(std::move(written));
    co_return Ok();
  }
  Task<Status> Reconsider(const Error& error, uint32_t attempt_index) override {
    const bool is_gone = error.origin().s3_code == "NoSuchUpload";
    const auto etag = MultipartEtag(request_.parts);
    if (attempt_index == 0 || !is_gone || !etag) co_return std::unexpected(error);
    HeadRequest written{.bucket = request_.upload.bucket, .key = request_.upload.key};
    const auto head = co_await store_.Head(written, context_);
    if (!head || head->info.etag != *etag) co_return std::unexpected(error);
    result_ = {.etag = *etag, .checksum = head->checksum};
    co_return Ok();
  }
  uint64_t received_bytes() const override { return text_.received_bytes(); }
  PutResult TakeResult() { return std::move(result_); }

 private:
  S3Store& store_;
  const CompleteMultipartRequest& request_;
  const CallContext& context_;
  TextExchange text_;
  PutResult result_;
};

// What an answer to a request with an object's bytes, or a part's, says about them. Some servers
// hide failures under status 200, and what answers in S3's place (a portal, a proxy, a web server)
// knows nothing of ETags: without one the bytes are nowhere.
Result<PutResult> ReadPutAnswer(const TextExchange& answer, const std::optional<Checksum>& sent) {
  const auto corrupt = [](std::string what) { return Fail(ErrorCode::kCorrupt, std::move(what)); };
  PutResult result{.etag = std::string(Unquoted(answer.headers().Value("ETag"))),
                   .checksum = ChecksumIn(answer.headers())};
  if (result.etag.empty()) {
    return corrupt("answered without an ETag, so it may not be stored; check the endpoint");
  }
  if (answer.text().contains('<')) {
    return corrupt("answered with a page in place of nothing; check the endpoint and the proxy");
  }
  const bool is_same_sum = sent && result.checksum && !result.checksum->is_composite &&
                           result.checksum->algorithm == sent->algorithm;
  if (is_same_sum && result.checksum->value != sent->value) {
    return corrupt(fmt::format("stored with {} {}, sent with {}; it is damaged there, put it again",
                               ChecksumName(sent->algorithm), result.checksum->value, sent->value));
  }
  return result;
}

// Sends bytes, and believes that they are stored when the answer says so.
class BodyExchange : public Exchange {
 public:
  BodyExchange(S3Request call, std::optional<Checksum> sent)
      : text_(std::move(call), kShortTextBytesMax, true), sent_(std::move(sent)) {}

  const S3Request& NextRequest() override { return text_.NextRequest(); }
  Task<Status> Receive(net::HttpAnswer& answer) override {
    HR_CO_TRY(co_await text_.Receive(answer));
    HR_CO_TRY_ASSIGN(result_, While(AttemptOf(text_.NextRequest()), ReadPutAnswer(text_, sent_)));
    co_return Ok();
  }
  uint64_t received_bytes() const override { return text_.received_bytes(); }
  PutResult TakeResult() { return std::move(result_); }

 protected:
  void SetResult(PutResult result) { result_ = std::move(result); }

 private:
  TextExchange text_;
  const std::optional<Checksum> sent_;
  PutResult result_;
};

// A conditional put whose answer got lost meets, when it is tried again, the object that it has
// written itself.
class PutExchange final : public BodyExchange {
 public:
  PutExchange(S3Store& store, const PutRequest& request, const CallContext& context, S3Request call,
              std::optional<Checksum> sent)
      : BodyExchange(std::move(call), std::move(sent)),
        store_(store),
        request_(request),
        context_(context) {}

  Task<Status> Reconsider(const Error& error, uint32_t attempt_index) override {
    if (attempt_index == 0 || error.code() != ErrorCode::kPreconditionFailed) {
      co_return std::unexpected(error);
    }
    HeadRequest written{.bucket = request_.bucket, .key = request_.key};
    const auto head = co_await store_.Head(written, context_);
    if (!head || !HoldsOurBytes(*head)) co_return std::unexpected(error);
    SetResult({.etag = head->info.etag, .checksum = head->checksum});
    co_return Ok();
  }

 private:
  bool HoldsOurBytes(const ObjectHead& head) {
    const std::span<const std::byte> bytes = NextRequest().body;
    if (head.info.size_bytes != bytes.size()) return false;
    if (head.checksum && !head.checksum->is_composite) {
      return ChecksumOf(head.checksum->algorithm, bytes) == *head.checksum;
    }
    RunningDigest digest(DigestKind::kMd5);
    digest.Update(bytes);
    const std::string md5 = digest.Finish();
    return head.info.etag == HexEncode(AsBytes(md5));
  }

  S3Store& store_;
  const PutRequest& request_;
  const CallContext& context_;
};

}  // namespace

Task<Result<UploadBody>> CollectBody(ByteSource& source, const std::string& attempt) {
  UploadBody body;
  if (const auto in_memory = source.in_memory()) {
    body.bytes = *in_memory;
    co_return body;
  }
  const auto announced = source.size_bytes();
  constexpr uint64_t kMax = S3Store::kCollectedBodyBytesMax;
  const auto too_large = [&] {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: more than {} bytes in one request; upload it in parts", attempt, kMax));
  };
  if (announced.value_or(0) > kMax) co_return too_large();
  // One byte more than announced, so that a source that is longer shows.
  constexpr size_t kPieceBytes = 256 * 1024;
  body.collected.resize(announced ? *announced + 1 : kPieceBytes);
  size_t filled = 0;
  while (true) {
    if (filled == body.collected.size()) {
      if (announced || filled > kMax) break;
      body.collected.resize(std::min<size_t>(filled * 2, kMax + 1));
    }
    const auto room = std::span(body.collected).subspan(filled);
    HR_CO_TRY_ASSIGN(const size_t got, co_await source.Read(room));
    if (got == 0) break;
    filled += got;
  }
  if (announced && filled != *announced) {
    co_return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: the source changed its size while it was read; try again", attempt));
  }
  if (filled > kMax) co_return too_large();
  body.bytes = std::span(body.collected).first(filled);
  co_return body;
}

Task<Result<PutResult>> S3Store::Put(const PutRequest& request, ByteSource& body,
                                     const CallContext& context) {
  S3Request call{.verb = "put", .method = "PUT", .bucket = request.bucket, .key = request.key};
  const std::string attempt = AttemptOf(call);
  HR_CO_TRY_ASSIGN(const UploadBody upload, co_await CollectBody(body, attempt));
  AddAttributes(request.attributes, call.headers);
  AddTags(request.tags, call.headers);
  AddConditions(request.conditions, call.headers);
  const auto checksum = UploadChecksum(request.checksum, upload.bytes, parts_->runner->config());
  if (checksum) AddChecksum(*checksum, call.headers);
  call.body = upload.bytes;
  call.sends_body = true;
  PutExchange exchange(*this, request, context, std::move(call), checksum);
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  co_return exchange.TakeResult();
}

Task<Result<PutResult>> S3Store::Copy(const CopyRequest& request, const CallContext& context) {
  S3Request call{.verb = "copy to", .method = "PUT", .bucket = request.bucket, .key = request.key};
  call.headers.Add("x-amz-copy-source", CopySource(request.source_bucket, request.source_key));
  if (!request.source_if_match.empty()) {
    call.headers.Add("x-amz-copy-source-if-match", "\"" + request.source_if_match + "\"");
  }
  if (request.attributes) {
    call.headers.Add("x-amz-metadata-directive", "REPLACE");
    AddAttributes(*request.attributes, call.headers);
  }
  if (request.checksum_algorithm) {
    call.headers.Add("x-amz-checksum-algorithm",
                     std::string(ChecksumName(*request.checksum_algorithm)));
  }
  AddConditions(request.conditions, call.headers);
  call.sends_body = true;
  TextExchange exchange(std::move(call), kShortTextBytesMax, true);
  const std::string attempt = AttemptOf(exchange.NextRequest());
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  HR_CO_TRY_ASSIGN(WriteResult written, While(attempt, ReadWriteResult(exchange.text())));
  co_return AsPutResult(std::move(written));
}

Task<Result<MultipartUpload>> S3Store::CreateMultipart(const CreateMultipartRequest& request,
                                                       const CallContext& context) {
  S3Request call{.verb = "start upload of",
                 .method = "POST",
                 .bucket = request.bucket,
                 .key = request.key,
                 .query = QueryBuilder().Add("uploads").Take()};
  AddAttributes(request.attributes, call.headers);
  AddTags(request.tags, call.headers);
  auto algorithm = request.checksum_algorithm;
  if (!algorithm && parts_->runner->config().sends_checksums) algorithm = kUploadChecksum;
  if (algorithm) {
    call.headers.Add("x-amz-checksum-algorithm", std::string(ChecksumName(*algorithm)));
    // A whole-object checksum can be verified by whoever reads the object; S3 can combine CRCs
    // into one, and digests not.
    const bool is_composite = request.checksum_is_composite.value_or(!IsCrc(*algorithm));
    call.headers.Add("x-amz-checksum-type", is_composite ? "COMPOSITE" : "FULL_OBJECT");
  }
  call.sends_body = true;
  TextExchange exchange(std::move(call), kShortTextBytesMax);
  const std::string attempt = AttemptOf(exchange.NextRequest());
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  HR_CO_TRY_ASSIGN(std::string upload_id, While(attempt, ReadUploadId(exchange.text())));
  MultipartUpload upload{
      .bucket = request.bucket, .key = request.key, .upload_id = std::move(upload_id)};
  co_return upload;
}

Task<Result<PartInfo>> S3Store::UploadPart(const UploadPartRequest& request, ByteSource& body,
                                           const CallContext& context) {
  S3Request call{.verb = "upload a part of",
                 .method = "PUT",
                 .bucket = request.upload.bucket,
                 .key = request.upload.key,
                 .query = PartQuery(request.part_number, request.upload.upload_id)};
  const std::string attempt = AttemptOf(call);
  HR_CO_TRY_ASSIGN(const UploadBody upload, co_await CollectBody(body, attempt));
  const auto checksum = UploadChecksum(request.checksum, upload.bytes, parts_->runner->config());
  if (checksum) AddChecksum(*checksum, call.headers);
  call.body = upload.bytes;
  call.sends_body = true;
  BodyExchange exchange(std::move(call), checksum);
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  PutResult stored = exchange.TakeResult();
  PartInfo part{.part_number = request.part_number,
                .size_bytes = upload.bytes.size(),
                .etag = std::move(stored.etag),
                .checksum = std::move(stored.checksum)};
  co_return part;
}

Task<Result<PartInfo>> S3Store::CopyPart(const CopyPartRequest& request,
                                         const CallContext& context) {
  S3Request call{.verb = "copy a part of",
                 .method = "PUT",
                 .bucket = request.upload.bucket,
                 .key = request.upload.key,
                 .query = PartQuery(request.part_number, request.upload.upload_id)};
  call.headers.Add("x-amz-copy-source", CopySource(request.source_bucket, request.source_key));
  if (request.source_range) {
    call.headers.Add("x-amz-copy-source-range", RangeHeader(*request.source_range));
  }
  if (!request.source_if_match.empty()) {
    call.headers.Add("x-amz-copy-source-if-match", "\"" + request.source_if_match + "\"");
  }
  call.sends_body = true;
  TextExchange exchange(std::move(call), kShortTextBytesMax, true);
  const std::string attempt = AttemptOf(exchange.NextRequest());
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  HR_CO_TRY_ASSIGN(WriteResult written, While(attempt, ReadWriteResult(exchange.text())));
  PartInfo part{.part_number = request.part_number,
                .size_bytes = request.source_range ? request.source_range->size_bytes() : 0,
                .etag = std::move(written.etag),
                .modified = written.modified,
                .checksum = std::move(written.checksum)};
  co_return part;
}

Task<Result<PutResult>> S3Store::CompleteMultipart(const CompleteMultipartRequest& request,
                                                   const CallContext& context) {
  const std::string document = CompleteDocument(request.parts);
  S3Request call{.verb = "complete upload of",
                 .method = "POST",
                 .bucket = request.upload.bucket,
                 .key = request.upload.key,
                 .query = QueryBuilder().Add("uploadId", request.upload.upload_id).Take()};
  call.headers.Add("Content-Type", "application/xml");
  AddConditions(request.conditions, call.headers);
  if (request.checksum) {
    AddChecksum(*request.checksum, call.headers);
    call.headers.Add("x-amz-checksum-type",
                     request.checksum->is_composite ? "COMPOSITE" : "FULL_OBJECT");
  }
  call.body = AsBytes(document);
  call.sends_body = true;
  CompleteExchange exchange(*this, request, context, std::move(call));
  HR_CO_TRY(co_await parts_->runner->Run(exchange, context, apart_.get()));
  co_return exchange.TakeResult();
}

Task<Status> S3Store::AbortMultipart(const MultipartUpload& upload, const CallContext& context) {
  TextExchange exchange({.verb = "abort upload of",
                         .method = "DELETE",
                         .bucket = upload.bucket,
                         .key = upload.key,
                         .query = QueryBuilder().Add("uploadId", upload.upload_id).Take()},
                        kShortTextBytesMax);
  Status outcome = co_await parts_->runner->Run(exchange, context, apart_.get());
  // Aborted or completed before: nothing is left to abort.
  if (!outcome && outcome.error().origin().s3_code == "NoSuchUpload") co_return Ok();
  co_return outcome;
}

}  // namespace headrace::s3
