// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/multipart.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/mutex.h"
#include "headrace/store/s3_limits.h"
#include "headrace/store/s3_uri.h"

namespace headrace::file {
namespace {

// The smallest step a part size grows by: keeps parts aligned to what readers ask for.
constexpr uint64_t kPartSizeStep = 1ULL << 20U;
// Parts of one object on their way at once; the limits of the transfer bind first.
constexpr uint64_t kPartsAtOnceMax = 64;

// The parts that have ended, in order of number, or the first failure.
class PartList {
 public:
  explicit PartList(uint64_t count) : parts_(count) {}

  void End(size_t part_index, Result<PartInfo> part) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (part) {
      parts_[part_index] = std::move(*part);
    } else if (!failure_) {
      failure_ = std::move(part).error();
    }
  }
  bool has_failed() const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return failure_.has_value();
  }
  Result<std::vector<PartInfo>> Take() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (failure_) return std::unexpected(*failure_);
    return std::move(parts_);
  }

 private:
  mutable Mutex mutex_;
  std::optional<Error> failure_ HR_GUARDED_BY(mutex_);
  std::vector<PartInfo> parts_ HR_GUARDED_BY(mutex_);
};

// Sends one part; knows nothing of the others.
class PartSender {
 public:
  virtual ~PartSender() = default;
  virtual Task<Result<PartInfo>> Send(const MultipartUpload& upload, uint32_t part_number,
                                      ByteRange range, const CallContext& context) = 0;
};

class ProducedParts final : public PartSender {
 public:
  ProducedParts(Transfer::State& state, PartProducer& producer)
      : state_(state), producer_(producer) {}

  Task<Result<PartInfo>> Send(const MultipartUpload& upload, uint32_t part_number, ByteRange range,
                              const CallContext& context) override {
    const uint64_t size_bytes = range.size_bytes();
    co_await state_.upload_bytes->Take(size_bytes);
    Result<PartInfo> sent = co_await SendHeld(upload, part_number, range, context);
    state_.upload_bytes->Give(size_bytes);
    co_return sent;
  }

 private:
  Task<Result<PartInfo>> SendHeld(const MultipartUpload& upload, uint32_t part_number,
                                  ByteRange range, const CallContext& context) {
    Buffer buffer(range.size_bytes());
    const std::span<std::byte> target = buffer.span();
    HR_CO_TRY(co_await producer_.Fill(target, range.begin));
    const UploadPartRequest request{.upload = upload, .part_number = part_number};
    SpanSource body(buffer.span());
    co_return co_await state_.store.UploadPart(request, body, context);
  }

  Transfer::State& state_;
  PartProducer& producer_;
};

class CopiedParts final : public PartSender {
 public:
  CopiedParts(Transfer::State& state, const CopyItem& item) : state_(state), item_(item) {}

  Task<Result<PartInfo>> Send(const MultipartUpload& upload, uint32_t part_number, ByteRange range,
                              const CallContext& context) override {
    const CopyPartRequest request{.upload = upload,
                                  .part_number = part_number,
                                  .source_bucket = item_.source_bucket,
                                  .source_key = item_.source_key,
                                  .source_if_match = item_.source_etag,
                                  .source_range = range};
    co_return co_await state_.store.CopyPart(request, context);
  }

 private:
  Transfer::State& state_;
  const CopyItem& item_;
};

Task<Status> SendAll(Transfer::State& state, const MultipartUpload& upload, uint64_t size_bytes,
                     uint64_t part_size_bytes, PartSender& sender, TransferObserver& observer,
                     const CallContext& context) {
  const uint64_t count = (size_bytes + part_size_bytes - 1) / part_size_bytes;
  PartList parts(count);
  AsyncSemaphore window(kPartsAtOnceMax);
  const Executor executor = co_await ThisExecutor();
  for (uint64_t index = 0; index < count && !parts.has_failed(); ++index) {
    if (context.stop.stop_requested()) break;
    co_await window.Take(1);
    co_await state.upload_requests->Take(1);
    const ByteRange range{.begin = index * part_size_bytes,
                          .end = std::min(size_bytes, (index + 1) * part_size_bytes)};
    auto done = [&, index, range](Result<PartInfo> part) {
      state.upload_requests->Give(1);
      if (part) observer.OnBytes(range.size_bytes());
      parts.End(index, std::move(part));
      window.Give(1);
    };
    Spawn(executor, sender.Send(upload, static_cast<uint32_t>(index + 1), range, context),
          std::move(done));
  }
  co_await window.Take(kPartsAtOnceMax);
  if (context.stop.stop_requested()) {
    co_return Fail(ErrorCode::kCancelled,
                   fmt::format("upload {}: cancelled", FormatS3Uri(upload.bucket, upload.key)));
  }
  CompleteMultipartRequest request{.upload = upload};
  HR_CO_TRY_ASSIGN(request.parts, parts.Take());
  auto completed = co_await state.store.CompleteMultipart(request, context);
  if (!completed) co_return std::unexpected(std::move(completed).error());
  co_return Ok();
}

// Creates the upload, sends its parts, and aborts it when anything failed. The abort has a context
// of its own: the caller's may be the reason for the failure.
Task<Status> RunUpload(Transfer::State& state, const CreateMultipartRequest& request,
                       uint64_t size_bytes, uint64_t part_size_bytes, PartSender& sender,
                       TransferObserver& observer, const CallContext& context) {
  HR_CO_TRY_ASSIGN(const MultipartUpload upload,
                   co_await state.store.CreateMultipart(request, context));
  Status sent =
      co_await SendAll(state, upload, size_bytes, part_size_bytes, sender, observer, context);
  if (!sent) {
    constexpr std::chrono::seconds kAbortTime{5};
    const CallContext own{.deadline =
                              Deadline::After(kAbortTime, std::chrono::steady_clock::now())};
    // The first failure is what the caller hears of; S3's lifecycle rules collect what stays
    // behind.
    const Status aborted = co_await state.store.AbortMultipart(upload, own);
    if (!aborted) sent = While("upload left unaborted", std::move(sent));
  }
  co_return sent;
}

}  // namespace

uint64_t PartSizeFor(uint64_t object_size_bytes, uint64_t part_size_bytes) {
  const uint64_t needed = (object_size_bytes + kPartCountMax - 1) / kPartCountMax;
  if (needed <= part_size_bytes) return part_size_bytes;
  return (needed + kPartSizeStep - 1) / kPartSizeStep * kPartSizeStep;
}

Task<Status> UploadParts(Transfer::State& state, const CreateMultipartRequest& request,
                         uint64_t size_bytes, PartProducer& producer, TransferObserver& observer,
                         const CallContext& context) {
  ProducedParts sender(state, producer);
  const uint64_t part_size = PartSizeFor(size_bytes, state.options.part_size_bytes);
  co_return co_await RunUpload(state, request, size_bytes, part_size, sender, observer, context);
}

Task<Status> CopyParts(Transfer::State& state, const CreateMultipartRequest& request,
                       const CopyItem& item, TransferObserver& observer,
                       const CallContext& context) {
  // Large steps: the store moves the bytes by itself, and each request costs a round trip.
  constexpr uint64_t kCopyPartBytes = 512ULL << 20U;
  CopiedParts sender(state, item);
  const uint64_t part_size = PartSizeFor(item.size_bytes, kCopyPartBytes);
  co_return co_await RunUpload(state, request, item.size_bytes, part_size, sender, observer,
                               context);
}

}  // namespace headrace::file
