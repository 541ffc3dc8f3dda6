// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/buffer.h"
#include "headrace/base/file_time.h"
#include "headrace/base/unique_fd.h"
#include "headrace/deliver/file/multipart.h"
#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {
namespace {

struct UploadJob {
  UploadItem item;  // Once its file is open, `modified` is the time of the version that goes up.
  size_t index = 0;
  TransferObserver* observer = nullptr;
  UniqueFd fd;
};

Error Changed(const UploadItem& item) {
  return {ErrorCode::kPreconditionFailed,
          item.path + ": the file changed while it was uploaded; run again"};
}

Status CheckVersion(const UploadJob& job) {
  struct stat status{};
  if (fstat(job.fd.get(), &status) != 0) {
    return std::unexpected(Error::FromErrno(errno, "stat " + job.item.path));
  }
  if (static_cast<uint64_t>(status.st_size) != job.item.size_bytes ||
      ModifiedOf(status) != job.item.modified) {
    return std::unexpected(Changed(job.item));
  }
  return Ok();
}

Status OpenFile(UploadJob& job) {
  job.fd = UniqueFd(open(job.item.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!job.fd.is_open()) return std::unexpected(Error::FromErrno(errno, "open " + job.item.path));
  struct stat status{};
  if (job.item.modified == SystemTime{} && fstat(job.fd.get(), &status) == 0) {
    job.item.modified = ModifiedOf(status);
  }
  return CheckVersion(job);
}

Status ReadFile(const UploadJob& job, std::span<std::byte> target, uint64_t offset) {
  while (!target.empty()) {
    const ssize_t got =
        pread(job.fd.get(), target.data(), target.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Error::FromErrno(errno, "read " + job.item.path));
    if (got == 0) return std::unexpected(Changed(job.item));
    target = target.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  // Files of /proc have bytes and no size: they would go up empty.
  std::byte more{};
  const ssize_t beyond = job.item.size_bytes == 0 ? pread(job.fd.get(), &more, 1, 0) : 0;
  if (beyond < 0) return std::unexpected(Error::FromErrno(errno, "read " + job.item.path));
  if (beyond > 0) {
    return Fail(ErrorCode::kInvalidArgument,
                job.item.path + ": it does not tell its size; pipe it in and use - as the source");
  }
  // Every part is looked at after it was read: parts of one object are of one version.
  return CheckVersion(job);
}

Task<Status> UploadWhole(Transfer::State& state, UploadJob& job, const CallContext& context) {
  const uint64_t size_bytes = job.item.size_bytes;
  co_await state.upload_bytes->Take(size_bytes);
  Buffer buffer(size_bytes);
  std::move_only_function<Status()> read = [&job, &buffer]() -> Status {
    HR_TRY(OpenFile(job));
    return ReadFile(job, buffer.span(), 0);
  };
  Status outcome = co_await RunOn<Status>(state.files, std::move(read));
  if (outcome) {
    PutRequest request{
        .bucket = job.item.bucket, .key = job.item.key, .attributes = job.item.attributes};
    SpanSource body(buffer.span());
    auto put = co_await state.store.Put(request, body, context);
    if (put) {
      job.observer->OnBytes(size_bytes);
    } else {
      outcome = std::unexpected(std::move(put).error());
    }
  }
  buffer = Buffer();
  state.upload_bytes->Give(size_bytes);
  co_return outcome;
}

// Fills parts from the file on the work pool.
class FileParts final : public PartProducer {
 public:
  FileParts(Transfer::State& state, UploadJob& job) : state_(state), job_(job) {}

  Task<Status> Fill(std::span<std::byte> target, uint64_t offset) override {
    std::move_only_function<Status()> read = [this, target, offset] {
      return ReadFile(job_, target, offset);
    };
    co_return co_await RunOn<Status>(state_.files, std::move(read));
  }

 private:
  Transfer::State& state_;
  UploadJob& job_;
};

Task<Status> UploadInParts(Transfer::State& state, UploadJob& job, const CallContext& context) {
  std::move_only_function<Status()> open = [&job] { return OpenFile(job); };
  HR_CO_TRY(co_await RunOn<Status>(state.files, std::move(open)));
  FileParts producer(state, job);
  CreateMultipartRequest request{
      .bucket = job.item.bucket, .key = job.item.key, .attributes = job.item.attributes};
  co_return co_await UploadParts(state, request, job.item.size_bytes, producer, *job.observer,
                                 context);
}

Task<Status> UploadOne(Transfer::State& state, std::shared_ptr<UploadJob> job,
                       const CallContext& context) {
  if (job->item.size_bytes <= state.options.part_size_bytes) {
    co_await state.upload_requests->Take(1);
    Status outcome = co_await UploadWhole(state, *job, context);
    state.upload_requests->Give(1);
    co_return outcome;
  }
  co_return co_await UploadInParts(state, *job, context);
}

}  // namespace

TransferReport Transfer::Upload(ItemSource<UploadItem> source, TransferObserver& observer,
                                const CallContext& context) {
  const auto start = [&](UploadItem item, size_t index, auto done) {
    auto job = std::make_shared<UploadJob>();
    job->item = std::move(item);
    job->index = index;
    job->observer = &observer;
    Spawn(state_->loops.Next(), UploadOne(*state_, job, context), std::move(done));
  };
  return RunItems<UploadItem>(*state_, std::move(source), observer, context, start);
}

}  // namespace headrace::file
