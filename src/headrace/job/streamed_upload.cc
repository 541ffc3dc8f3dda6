// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/streamed_upload.h"

#include <optional>
#include <utility>

#include "headrace/base/clock.h"

namespace headrace::job {

// A part being uploaded. The task borrows everything here.
struct StreamedUpload::Part {
  Part(Buffer bytes, size_t size_bytes, const MultipartUpload& upload, uint32_t number)
      : buffer(std::move(bytes)),
        source(buffer.span().first(size_bytes)),
        request{.upload = upload, .part_number = number} {}

  Buffer buffer;
  SpanSource source;
  UploadPartRequest request;
  std::promise<Result<PartInfo>> promise;
};

StreamedUpload::StreamedUpload(ObjectStore& store, Executor executor, S3Uri target,
                               uint64_t part_size_bytes, ObjectAttributes attributes,
                               const CallContext& context)
    : store_(store),
      executor_(std::move(executor)),
      target_(std::move(target)),
      part_size_bytes_(part_size_bytes),
      attributes_(std::move(attributes)),
      context_(context),
      gathered_(part_size_bytes) {
  HR_CHECK(part_size_bytes > 0);
}

StreamedUpload::~StreamedUpload() { Abort(); }

Status StreamedUpload::Advance(size_t size_bytes) {
  HR_CHECK(size_bytes <= room().size());
  gathered_bytes_ += size_bytes;
  size_bytes_ += size_bytes;
  if (gathered_bytes_ < part_size_bytes_) return Ok();
  return SendPart();
}

Status StreamedUpload::SendPart() {
  if (upload_.upload_id.empty()) {
    const CreateMultipartRequest request{
        .bucket = target_.bucket, .key = target_.key, .attributes = attributes_};
    HR_TRY_ASSIGN(upload_, RunBlocking(executor_, store_.CreateMultipart(request, context_)));
  }
  HR_TRY(AwaitPart());
  const auto number = static_cast<uint32_t>(parts_.size() + 1);
  on_its_way_ = std::make_unique<Part>(std::exchange(gathered_, Buffer(part_size_bytes_)),
                                       std::exchange(gathered_bytes_, 0), upload_, number);
  Part& part = *on_its_way_;
  Spawn(executor_, store_.UploadPart(part.request, part.source, context_),
        [&part](Result<PartInfo> sent) { part.promise.set_value(std::move(sent)); });
  return Ok();
}

Status StreamedUpload::AwaitPart() {
  if (!on_its_way_) return Ok();
  const std::unique_ptr<Part> part = std::move(on_its_way_);
  HR_TRY_ASSIGN(PartInfo sent, part->promise.get_future().get());
  parts_.push_back(std::move(sent));
  return Ok();
}

Status StreamedUpload::PutWhole() {
  const PutRequest request{.bucket = target_.bucket, .key = target_.key, .attributes = attributes_};
  SpanSource source(gathered_.span().first(gathered_bytes_));
  HR_TRY(RunBlocking(executor_, store_.Put(request, source, context_)));
  return Ok();
}

Status StreamedUpload::Finish() {
  if (upload_.upload_id.empty()) return PutWhole();
  if (gathered_bytes_ > 0) HR_TRY(SendPart());
  HR_TRY(AwaitPart());
  const CompleteMultipartRequest request{.upload = upload_, .parts = parts_};
  HR_TRY(RunBlocking(executor_, store_.CompleteMultipart(request, context_)));
  upload_.upload_id.clear();
  return Ok();
}

void StreamedUpload::Abort() {
  if (on_its_way_) on_its_way_->promise.get_future().wait();
  if (upload_.upload_id.empty()) return;
  // A context of its own: the caller's may be the reason for the end. What cannot be aborted in
  // this time is left to the store's lifecycle rules.
  constexpr std::chrono::seconds kAbortTime{5};
  const CallContext own{.deadline = Deadline::After(kAbortTime, RealClock().Now()), .stop = {}};
  [[maybe_unused]] const Status aborted =
      RunBlocking(executor_, store_.AbortMultipart(upload_, own));
}

}  // namespace headrace::job
