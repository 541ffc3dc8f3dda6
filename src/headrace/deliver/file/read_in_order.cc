// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/read_in_order.h"

#include <algorithm>
#include <deque>
#include <future>
#include <memory>
#include <stop_token>
#include <utility>

#include "headrace/base/buffer.h"

namespace headrace::file {
namespace {

Task<Result<GetResult>> GetPart(ObjectStore* store, const GetRequest* request,
                                const CallContext* context) {
  co_return co_await store->Get(*request, *context);
}

// One range on its way. Stays where it is: the store borrows its request and buffer.
struct Part {
  Buffer buffer;
  GetRequest request;
  std::future<Result<GetResult>> result;
};

// The ranges of one object in flight. Destruction cancels them and waits.
class Parts {
 public:
  Parts(ObjectStore& store, EventLoops& loops, const CallContext& context)
      : store_(store),
        loops_(loops),
        context_{.deadline = context.deadline, .stop = stop_.get_token()},
        on_stop_(context.stop, [this] { stop_.request_stop(); }) {}
  ~Parts() {
    stop_.request_stop();
    for (const auto& part : parts_) part->result.wait();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  size_t count() const { return parts_.size(); }

  void Request(GetRequest request) {
    auto part = std::make_unique<Part>();
    part->buffer = Buffer(request.range->size_bytes());
    part->request = std::move(request);
    part->request.target = part->buffer.span();
    std::promise<Result<GetResult>> promise;
    part->result = promise.get_future();
    Spawn(loops_.Next(), GetPart(&store_, &part->request, &context_),
          [promise = std::move(promise)](Result<GetResult> result) mutable {
            promise.set_value(std::move(result));
          });
    parts_.push_back(std::move(part));
  }

  // Hands the oldest part to `sink`.
  Result<GetResult> Deliver(const ByteSink& sink) {
    const std::unique_ptr<Part> part = std::move(parts_.front());
    parts_.pop_front();
    HR_TRY_ASSIGN(GetResult result, part->result.get());
    HR_TRY(sink(part->buffer.span().first(result.size_bytes)));
    return result;
  }

 private:
  ObjectStore& store_;
  EventLoops& loops_;
  std::stop_source stop_;
  CallContext context_;
  std::deque<std::unique_ptr<Part>> parts_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

Result<ObjectHead> ReadInOrder(ObjectStore& store, EventLoops& loops, const std::string& bucket,
                               const std::string& key, const ByteSink& sink,
                               const CallContext& context, ReadInOrderOptions options) {
  Parts parts(store, loops, context);
  GetRequest request{.bucket = bucket,
                     .key = key,
                     .range = ByteRange{.begin = 0, .end = options.part_size_bytes},
                     .conditions = {},
                     .target = {}};
  // The first range tells the size, which saves a HEAD.
  parts.Request(request);
  HR_TRY_ASSIGN(const GetResult first, parts.Deliver(sink));
  const uint64_t size_bytes = first.head.info.size_bytes;
  request.conditions.if_match = first.head.info.etag;

  uint64_t requested = std::min(options.part_size_bytes, size_bytes);
  while (requested < size_bytes || parts.count() > 0) {
    while (requested < size_bytes && parts.count() < options.parts_max) {
      const uint64_t end = std::min(requested + options.part_size_bytes, size_bytes);
      request.range = ByteRange{.begin = requested, .end = end};
      parts.Request(request);
      requested = end;
    }
    HR_TRY(parts.Deliver(sink));
  }
  return first.head;
}

}  // namespace headrace::file
