// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/upload_stream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/clock.h"
#include "headrace/deliver/file/multipart.h"

namespace headrace::file {
namespace {

constexpr uint64_t kLatePartFactor = 4;
// An abort that takes longer is left to the bucket's lifecycle rules.
constexpr std::chrono::seconds kAbortTime{10};

Task<Result<PartInfo>> SendPart(ObjectStore* store, const UploadPartRequest* request,
                                ByteSource* body, const CallContext* context) {
  co_return co_await store->UploadPart(*request, *body, *context);
}

// One part on its way. Stays where it is: the store borrows it.
struct Part {
  Part(UploadPartRequest part_request, Buffer part_buffer, size_t size_bytes)
      : buffer(std::move(part_buffer)),
        request(std::move(part_request)),
        body(std::as_const(buffer).span().first(size_bytes)) {}

  Buffer buffer;
  UploadPartRequest request;
  SpanSource body;
  std::future<Result<PartInfo>> result;
};

// The parts of one upload in flight. Destruction cancels them and waits.
class Parts {
 public:
  Parts(ObjectStore& store, EventLoops& loops, const CallContext& context,
        const std::function<void(uint64_t)>& on_bytes)
      : store_(store),
        loops_(loops),
        on_bytes_(on_bytes),
        context_{.deadline = context.deadline, .stop = stop_.get_token()},
        on_stop_(context.stop, [this] { stop_.request_stop(); }) {}
  ~Parts() {
    stop_.request_stop();
    for (const auto& part : parts_) part->result.wait();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  size_t count() const { return parts_.size(); }
  uint64_t memory_bytes() const { return memory_bytes_; }
  const std::vector<PartInfo>& done() const { return done_; }

  void Send(UploadPartRequest request, Buffer buffer, size_t size_bytes) {
    memory_bytes_ += buffer.size();
    auto part = std::make_unique<Part>(std::move(request), std::move(buffer), size_bytes);
    std::promise<Result<PartInfo>> promise;
    part->result = promise.get_future();
    Spawn(loops_.Next(), SendPart(&store_, &part->request, &part->body, &context_),
          [promise = std::move(promise), on_bytes = on_bytes_,
           size_bytes](Result<PartInfo> result) mutable {
            if (result.has_value()) on_bytes(size_bytes);
            promise.set_value(std::move(result));
          });
    parts_.push_back(std::move(part));
  }

  Status AwaitOldest() {
    const std::unique_ptr<Part> part = std::move(parts_.front());
    parts_.pop_front();
    memory_bytes_ -= part->buffer.size();
    HR_TRY_ASSIGN(PartInfo info, part->result.get());
    done_.push_back(std::move(info));
    return Ok();
  }

 private:
  ObjectStore& store_;
  EventLoops& loops_;
  const std::function<void(uint64_t)>& on_bytes_;
  std::stop_source stop_;
  CallContext context_;
  std::deque<std::unique_ptr<Part>> parts_;
  uint64_t memory_bytes_ = 0;
  std::vector<PartInfo> done_;
  std::stop_callback<std::function<void()>> on_stop_;
};

// Reads until `target` is full or the stream ends.
Result<size_t> Fill(const ByteReader& reader, std::span<std::byte> target) {
  size_t filled = 0;
  while (filled < target.size()) {
    HR_TRY_ASSIGN(const size_t taken, reader(target.subspan(filled)));
    if (taken == 0) break;
    filled += taken;
  }
  return filled;
}

// Sends `first` and what follows it as parts of `upload`.
Result<std::vector<PartInfo>> SendParts(Parts& parts, const MultipartUpload& upload, Buffer first,
                                        const ByteReader& reader, const CallContext& context,
                                        const UploadStreamOptions& options) {
  Buffer buffer = std::move(first);
  size_t filled = buffer.size();
  for (uint32_t number = 1; filled > 0; ++number) {
    if (number > kPartCountMax) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the stream is too long for 10,000 parts of its size: give its length with "
                  "--expected-size");
    }
    const bool is_last = filled < buffer.size();
    parts.Send({.upload = upload, .part_number = number, .checksum = {}}, std::move(buffer),
               filled);
    if (is_last) break;
    const uint64_t next_size = StreamPartSize(number + 1, options);
    while (parts.count() > 0 && (parts.count() >= options.parts_in_flight_max ||
                                 parts.memory_bytes() + next_size > options.memory_bytes_max)) {
      HR_TRY(parts.AwaitOldest());
    }
    if (context.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "interrupted");
    buffer = Buffer(next_size);
    HR_TRY_ASSIGN(filled, Fill(reader, buffer.span()));
  }
  while (parts.count() > 0) HR_TRY(parts.AwaitOldest());
  return parts.done();
}

Result<PutResult> PutWhole(ObjectStore& store, EventLoops& loops, const PutRequest& request,
                           std::span<const std::byte> bytes,
                           const std::function<void(uint64_t)>& on_bytes,
                           const CallContext& context) {
  SpanSource body(bytes);
  HR_TRY_ASSIGN(PutResult result, RunBlocking(loops.Next(), store.Put(request, body, context)));
  on_bytes(bytes.size());
  return result;
}

}  // namespace

uint64_t StreamPartSize(uint32_t part_number, const UploadStreamOptions& options) {
  if (options.expected_size_bytes) {
    return PartSizeFor(*options.expected_size_bytes, options.part_size_bytes);
  }
  const bool is_late = part_number > kPartCountMax / 2;
  return is_late ? options.part_size_bytes * kLatePartFactor : options.part_size_bytes;
}

Result<PutResult> UploadStream(ObjectStore& store, EventLoops& loops, const PutRequest& request,
                               const ByteReader& reader,
                               const std::function<void(uint64_t size_bytes)>& on_bytes,
                               const CallContext& context, const UploadStreamOptions& options) {
  Buffer first(StreamPartSize(1, options));
  HR_TRY_ASSIGN(const size_t filled, Fill(reader, first.span()));
  if (filled < first.size()) {
    return PutWhole(store, loops, request, std::as_const(first).span().first(filled), on_bytes,
                    context);
  }
  const CreateMultipartRequest create{.bucket = request.bucket,
                                      .key = request.key,
                                      .attributes = request.attributes,
                                      .checksum_algorithm = {}};
  HR_TRY_ASSIGN(const MultipartUpload upload,
                RunBlocking(loops.Next(), store.CreateMultipart(create, context)));
  Result<PutResult> result = [&]() -> Result<PutResult> {
    Parts parts(store, loops, context, on_bytes);
    CompleteMultipartRequest complete{.upload = upload,
                                      .parts = {},
                                      .conditions = request.conditions,
                                      .checksum = request.checksum};
    HR_TRY_ASSIGN(complete.parts,
                  SendParts(parts, upload, std::move(first), reader, context, options));
    return RunBlocking(loops.Next(), store.CompleteMultipart(complete, context));
  }();
  if (!result.has_value()) {
    // Not the caller's context: it may be the cancellation that ended the upload.
    const CallContext abort{.deadline = Deadline::After(kAbortTime, RealClock().Now()), .stop = {}};
    const Status aborted = RunBlocking(loops.Next(), store.AbortMultipart(upload, abort));
    if (!aborted.has_value()) {
      return std::unexpected(Error(
          result.error().code(), fmt::format("{} (and parts of the upload stay behind: {})",
                                             result.error().message(), aborted.error().message())));
    }
  }
  return result;
}

}  // namespace headrace::file
