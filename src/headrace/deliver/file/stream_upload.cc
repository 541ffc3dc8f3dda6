// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/stream_upload.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/buffer.h"
#include "headrace/base/mutex.h"
#include "headrace/deliver/file/multipart.h"
#include "headrace/store/s3_limits.h"
#include "headrace/store/s3_uri.h"

namespace headrace::file {
namespace {

constexpr uint32_t kPartsPerSize = 1'000;

}  // namespace

uint64_t StreamPartSize(uint32_t index, const StreamUploadOptions& options) {
  uint64_t size_bytes = options.part_size_bytes;
  for (uint32_t step = index / kPartsPerSize; step > 0; --step) {
    if (size_bytes >= options.memory_bytes_max) break;
    size_bytes *= 2;
  }
  return std::min(size_bytes, options.memory_bytes_max);
}

uint64_t StreamBytesMax(const StreamUploadOptions& options) {
  uint64_t total_bytes = 0;
  for (uint32_t index = 0; index < kPartCountMax; index += kPartsPerSize) {
    total_bytes += kPartsPerSize * StreamPartSize(index, options);
  }
  return total_bytes;
}

struct StreamUpload::Shared {
  Shared(size_t parts_max, uint64_t memory_bytes_max)
      : window(parts_max), parts_in_flight_max(parts_max), memory(memory_bytes_max) {}

  // The writer's own.
  std::optional<MultipartUpload> upload;
  Buffer filling;
  size_t filled_bytes = 0;
  uint32_t part_count = 0;
  bool is_finished = false;
  uint64_t memory_bytes_peak = 0;

  AsyncSemaphore window;
  const size_t parts_in_flight_max;
  AsyncSemaphore memory;  // Bytes of parts: being filled or on their way.
  std::atomic<uint64_t> memory_bytes = 0;
  Mutex mutex;
  std::map<uint32_t, PartInfo> parts HR_GUARDED_BY(mutex);
  std::optional<Error> failure HR_GUARDED_BY(mutex);

  void End(Result<PartInfo> part) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (part) {
      parts[part->part_number] = std::move(*part);
    } else if (!failure) {
      failure = std::move(part).error();
    }
  }
  Status Failure() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (failure) return std::unexpected(*failure);
    return Ok();
  }
  // The writer's own: waits for room for a part, and has it as the one being filled.
  void Fill(uint64_t part_bytes) {
    memory.TakeBlocking(part_bytes);
    memory_bytes_peak = std::max(memory_bytes_peak, memory_bytes += part_bytes);
    filling = Buffer(part_bytes);
  }
  void Free(uint64_t part_bytes) {
    memory_bytes -= part_bytes;
    memory.Give(part_bytes);
  }
  void WaitForParts() {
    window.TakeBlocking(parts_in_flight_max);
    window.Give(parts_in_flight_max);
  }
};

namespace {

struct PartJob {
  UploadPartRequest request;
  Buffer buffer;
  size_t size_bytes = 0;
};

Task<Result<PartInfo>> SendPart(ObjectStore& store, const PartJob& job,
                                const CallContext& context) {
  SpanSource body(job.buffer.span().first(job.size_bytes));
  co_return co_await store.UploadPart(job.request, body, context);
}

Task<Result<PutResult>> SendWhole(ObjectStore& store, const PutRequest& request,
                                  std::span<const std::byte> bytes, const CallContext& context) {
  SpanSource body(bytes);
  co_return co_await store.Put(request, body, context);
}

}  // namespace

StreamUpload::StreamUpload(ObjectStore& store, EventLoops& loops, CreateMultipartRequest request,
                           StreamUploadOptions options, CallContext context)
    : store_(store),
      loops_(loops),
      request_(std::move(request)),
      options_(options),
      context_(std::move(context)),
      shared_(std::make_shared<Shared>(options.parts_in_flight_max, options.memory_bytes_max)) {}

StreamUpload::~StreamUpload() {
  shared_->WaitForParts();
  if (!shared_->upload || shared_->is_finished) return;
  // A context of its own: the caller's may be the reason for giving up.
  constexpr std::chrono::seconds kAbortTime{5};
  const CallContext own{.deadline = Deadline::After(kAbortTime, std::chrono::steady_clock::now())};
  const Status aborted = RunBlocking(loops_.Next(), store_.AbortMultipart(*shared_->upload, own));
  static_cast<void>(aborted);  // Lifecycle rules collect what could not be aborted.
}

uint64_t StreamUpload::memory_bytes_peak() const { return shared_->memory_bytes_peak; }

Status StreamUpload::BeginFilling() {
  if (shared_->part_count == kPartCountMax) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} holds at most {} bytes when sent as a stream: cut the stream into "
                            "several objects",
                            FormatS3Uri(request_.bucket, request_.key), StreamBytesMax(options_)));
  }
  shared_->Fill(StreamPartSize(shared_->part_count, options_));
  return Ok();
}

Status StreamUpload::StartPart() {
  if (!shared_->upload) {
    HR_TRY_ASSIGN(MultipartUpload upload,
                  RunBlocking(loops_.Next(), store_.CreateMultipart(request_, context_)));
    shared_->upload = std::move(upload);
  }
  shared_->window.TakeBlocking(1);
  auto job = std::make_unique<PartJob>();
  job->request = {.upload = *shared_->upload, .part_number = ++shared_->part_count};
  job->buffer = std::exchange(shared_->filling, Buffer());
  job->size_bytes = std::exchange(shared_->filled_bytes, 0);
  const PartJob& borrowed = *job;
  auto done = [shared = shared_, job = std::move(job)](Result<PartInfo> part) mutable {
    const size_t part_bytes = job->buffer.size();
    job.reset();
    shared->Free(part_bytes);
    shared->End(std::move(part));
    shared->window.Give(1);
  };
  Spawn(loops_.Next(), SendPart(store_, borrowed, context_), std::move(done));
  return Ok();
}

Status StreamUpload::Write(std::span<const std::byte> bytes) {
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    HR_TRY(shared_->Failure());
    // A full part waits for one more byte: should none come, it is the last and may be the only
    // one.
    const bool is_full =
        shared_->filled_bytes > 0 && shared_->filled_bytes == shared_->filling.size();
    if (is_full) HR_TRY(StartPart());
    if (shared_->filling.size() == 0) HR_TRY(BeginFilling());
    const auto room = shared_->filling.span().subspan(shared_->filled_bytes);
    const size_t taken = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), taken);
    shared_->filled_bytes += taken;
    bytes = bytes.subspan(taken);
  }
  return Ok();
}

Result<PutResult> StreamUpload::Finish() {
  HR_CHECK(!shared_->is_finished);
  if (!shared_->upload) {
    const PutRequest request{
        .bucket = request_.bucket, .key = request_.key, .attributes = request_.attributes};
    const auto bytes = shared_->filling.span().first(shared_->filled_bytes);
    return RunBlocking(loops_.Next(), SendWhole(store_, request, bytes, context_));
  }
  HR_TRY(StartPart());
  shared_->WaitForParts();
  HR_TRY(shared_->Failure());
  CompleteMultipartRequest request{.upload = *shared_->upload};
  {
    const MutexLock lock(shared_->mutex);
    for (const auto& [number, part] : shared_->parts) request.parts.push_back(part);
  }
  auto completed = RunBlocking(loops_.Next(), store_.CompleteMultipart(request, context_));
  if (completed) shared_->is_finished = true;
  return completed;
}

}  // namespace headrace::file
