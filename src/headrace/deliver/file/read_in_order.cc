// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/read_in_order.h"

#include <map>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "headrace/base/mutex.h"

namespace headrace::file {
namespace {

// Puts the parts of one read back in order for the thread that takes them.
class PartQueue final : public fetch::PartSink {
 public:
  void OnPart(fetch::Part part) override HR_EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      const uint64_t offset = part.offset;
      parts_.emplace(offset, std::move(part));
    }
    changed_.NotifyOne();
  }
  void OnReadEnd(size_t /*read_index*/, Status status) override HR_EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      if (!end_) end_ = std::move(status);
    }
    changed_.NotifyOne();
  }

  // The part that begins at `offset`; nothing when the read is over without one.
  std::optional<fetch::Part> Take(uint64_t offset) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (!end_ && !parts_.contains(offset)) changed_.Wait(mutex_);
    auto node = parts_.extract(offset);
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
  }
  // Lets go of the memory of parts that nobody takes any more.
  void Clear() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    parts_.clear();
  }
  // Once the run has ended.
  std::optional<Status> end() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return end_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::map<uint64_t, fetch::Part> parts_ HR_GUARDED_BY(mutex_);  // By offset.
  std::optional<Status> end_ HR_GUARDED_BY(mutex_);
};

Status Drain(PartQueue& queue, const ByteSink& sink) {
  uint64_t offset = 0;
  while (const std::optional<fetch::Part> part = queue.Take(offset)) {
    const auto bytes = part->bytes.span();
    HR_TRY(sink(bytes));
    if (bytes.empty()) break;
    offset += bytes.size();
  }
  return Ok();
}

}  // namespace

Result<ObjectHead> ReadInOrder(ObjectStore& store, EventLoops& loops, const std::string& bucket,
                               const std::string& key, const ByteSink& sink,
                               const CallContext& context, const fetch::FetchOptions& options) {
  const HeadRequest request{.bucket = bucket, .key = key, .conditions = {}};
  HR_TRY_ASSIGN(ObjectHead head, RunBlocking(loops.Next(), store.Head(request, context)));
  std::optional<fetch::PlannedRead> read =
      fetch::PlannedRead{.bucket = bucket,
                         .key = key,
                         .object_size_bytes = head.info.size_bytes,
                         .etag = head.info.etag,
                         .range = {.begin = 0, .end = head.info.size_bytes}};

  fetch::Fetcher fetcher(store, loops, options);
  PartQueue queue;
  std::stop_source stop;
  const std::stop_callback on_stop(context.stop, [&stop] { stop.request_stop(); });
  const CallContext own{.deadline = context.deadline, .stop = stop.get_token()};
  Status run_end = Ok();
  std::thread runner([&] {
    run_end = fetcher.Run([&read] { return std::exchange(read, std::nullopt); }, queue, own);
    // Wakes the reader of a run that ended before its read began.
    queue.OnReadEnd(0, run_end);
  });
  const Status drained = Drain(queue, sink);
  if (!drained.has_value()) {
    stop.request_stop();
    queue.Clear();
  }
  runner.join();
  HR_TRY(drained);
  HR_TRY(queue.end().value_or(Ok()));
  HR_TRY(run_end);
  return head;
}

}  // namespace headrace::file
