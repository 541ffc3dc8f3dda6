// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/object_stream.h"

#include <utility>

namespace headrace::file {
namespace {

// Owns what it lends to the store, so that it needs nobody to wait for it.
Task<Result<ListPage>> ListOnePage(ObjectStore* store, ListRequest request, CallContext context) {
  co_return co_await store->List(request, context);
}

}  // namespace

ObjectStream::ObjectStream(ObjectStore& store, EventLoops& loops, ListRequest request,
                           CallContext context)
    : store_(store),
      loops_(loops),
      request_(std::move(request)),
      context_(std::move(context)) {
  RequestPage();
}

ObjectStream::~ObjectStream() {
  if (coming_.valid()) coming_.wait();
}

void ObjectStream::RequestPage() {
  std::promise<Result<ListPage>> promise;
  coming_ = promise.get_future();
  Spawn(loops_.Next(), ListOnePage(&store_, request_, context_),
        [promise = std::move(promise)](Result<ListPage> page) mutable {
          promise.set_value(std::move(page));
        });
}

Result<std::optional<ListPage>> ObjectStream::NextPage() {
  if (!coming_.valid()) return std::nullopt;
  HR_TRY_ASSIGN(ListPage page, coming_.get());
  if (!page.next_token.empty()) {
    request_.continuation_token = page.next_token;
    RequestPage();
  }
  return page;
}

Result<std::optional<ObjectInfo>> ObjectStream::Next() {
  while (next_ == page_.objects.size()) {
    HR_TRY_ASSIGN(std::optional<ListPage> page, NextPage());
    if (!page) return std::nullopt;
    page_ = *std::move(page);
    next_ = 0;
  }
  return std::move(page_.objects[next_++]);
}

}  // namespace headrace::file
