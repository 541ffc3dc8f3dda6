// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/fetcher.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/fetch/read_state.h"

namespace headrace::fetch {
namespace {

std::string NameOf(const PlannedRead& planned) {
  return fmt::format("s3://{}/{}", planned.bucket, planned.key);
}

}  // namespace

Fetcher::Fetcher(ObjectStore& store, EventLoops& loops, FetchOptions options)
    : store_(store),
      loops_(loops),
      options_(options),
      memory_(std::make_shared<PartMemory>(options.memory_bytes_max, options.part_size_bytes)),
      in_flight_(std::make_shared<AsyncSemaphore>(options.requests_in_flight_max)) {
  HR_CHECK(options.part_size_bytes > 0);
  HR_CHECK(options.requests_in_flight_max > 0);
}

namespace {

struct PartJob {
  GetRequest request;
  PartBytes bytes;
  // Set where the parts' sums make up the object's.
  std::shared_ptr<Fetcher::ReadState> read;
  PartSum sums;
};

// One GET of one part; the sums are taken here, while the bytes are warm in the cache.
Task<Status> FetchPart(ObjectStore& store, PartJob& job, const CallContext& context) {
  HR_CO_TRY_ASSIGN(const GetResult got, co_await store.Get(job.request, context));
  if (got.size_bytes != job.request.target.size()) {
    co_return Fail(ErrorCode::kPreconditionFailed,
                   fmt::format("s3://{}/{}: {} bytes came where {} were listed; the object was "
                               "replaced, list it again",
                               job.request.bucket, job.request.key, got.size_bytes,
                               job.request.target.size()));
  }
  if (job.read) job.read->SumPart(job.request.target, job.sums);
  co_return Ok();
}

struct HeadJob {
  HeadRequest request;
};

Task<Result<ObjectHead>> FetchHead(ObjectStore& store, const HeadJob& job,
                                   const CallContext& context) {
  co_return co_await store.Head(job.request, context);
}

}  // namespace

void Fetcher::StartPart(const std::shared_ptr<RunState>& run,
                        const std::shared_ptr<ReadState>& read, ByteRange range) {
  const PlannedRead& planned = read->planned;
  const auto size_bytes = static_cast<size_t>(range.size_bytes());
  auto job = std::make_unique<PartJob>();
  job->bytes = memory_->TakeBlocking(size_bytes);
  in_flight_->TakeBlocking(1);
  job->request = {.bucket = planned.bucket, .key = planned.key};
  job->request.conditions.if_match = planned.etag;
  job->request.target = job->bytes.writable();
  const bool is_single = planned.is_whole_object() && range == planned.range;
  // A plain GET of the whole object lets the store verify its checksum by itself.
  if (!is_single) job->request.range = range;
  if (options_.verify_checksums && !is_single && planned.is_whole_object()) job->read = read;
  job->sums.offset = range.begin;
  job->sums.size_bytes = size_bytes;

  read->Begin();
  PartJob& borrowed = *job;
  auto done = [run, read, job = std::move(job), in_flight = in_flight_](Status status) mutable {
    in_flight->Give(1);
    if (status) {
      if (job->read) read->AddSum(job->sums);
      run->sink().OnPart({.read_index = read->read_index,
                          .offset = job->sums.offset,
                          .bytes = std::move(job->bytes)});
    } else {
      read->Fail(std::move(status).error());
    }
    job.reset();
    if (!read->End()) return;
    run->sink().OnReadEnd(read->read_index, read->Outcome());
    run->EndRead();
  };
  Spawn(loops_.Next(), FetchPart(store_, borrowed, run->context()), std::move(done));
}

void Fetcher::StartRead(const std::shared_ptr<RunState>& run, PlannedRead planned,
                        size_t read_index) {
  auto read = std::make_shared<ReadState>(std::move(planned), read_index);
  const ByteRange whole = read->planned.range;
  run->BeginRead();
  const bool is_split = whole.size_bytes() > options_.part_size_bytes;
  if (options_.verify_checksums && is_split && read->planned.is_whole_object()) {
    read->Begin();
    auto job = std::make_unique<HeadJob>();
    job->request = {.bucket = read->planned.bucket, .key = read->planned.key};
    job->request.conditions.if_match = read->planned.etag;
    const HeadJob& borrowed = *job;
    auto done = [run, read, job = std::move(job)](Result<ObjectHead> head) mutable {
      if (head) {
        read->SetExpected(std::move(head->checksum));
      } else {
        read->Fail(std::move(head).error());
      }
      if (!read->End()) return;
      run->sink().OnReadEnd(read->read_index, read->Outcome());
      run->EndRead();
    };
    Spawn(loops_.Next(), FetchHead(store_, borrowed, run->context()), std::move(done));
  }
  for (uint64_t begin = whole.begin; begin < whole.end && !read->has_failed();) {
    const uint64_t end = std::min(whole.end, begin + options_.part_size_bytes);
    if (run->context().stop.stop_requested()) {
      read->Fail(Error(ErrorCode::kCancelled, NameOf(read->planned) + ": cancelled"));
      break;
    }
    StartPart(run, read, {.begin = begin, .end = end});
    begin = end;
  }
  if (!read->End()) return;
  run->sink().OnReadEnd(read->read_index, read->Outcome());
  run->EndRead();
}

Status Fetcher::Run(ReadSource source, PartSink& sink, const CallContext& context) {
  auto run = std::make_shared<RunState>(sink, context);
  Status outcome = Ok();
  for (size_t read_index = 0;; ++read_index) {
    if (context.stop.stop_requested()) {
      outcome = Fail(ErrorCode::kCancelled, "reading cancelled");
      break;
    }
    auto planned = source();
    if (!planned) {
      outcome = std::unexpected(std::move(planned).error());
      break;
    }
    if (!*planned) break;
    StartRead(run, std::move(**planned), read_index);
  }
  run->WaitForAll();
  return outcome;
}

}  // namespace headrace::fetch
