// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/batch_delete.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace headrace::file {
namespace {

Task<Result<std::vector<DeleteFailure>>> DeleteBatch(
    ObjectStore* store, std::shared_ptr<const DeleteManyRequest> request, CallContext context) {
  co_return co_await store->DeleteMany(*request, context);
}

}  // namespace

BatchDelete::BatchDelete(ObjectStore& store, EventLoops& loops, std::string bucket, OnKey on_key,
                         CallContext context, BatchDeleteOptions options)
    : store_(store),
      loops_(loops),
      bucket_(std::move(bucket)),
      on_key_(std::move(on_key)),
      context_(std::move(context)),
      options_(options) {}

BatchDelete::~BatchDelete() { WaitForRoom(1); }

void BatchDelete::Add(std::string key) {
  keys_.push_back(std::move(key));
  if (keys_.size() >= options_.keys_per_request) Send();
}

void BatchDelete::Finish() {
  if (!keys_.empty()) Send();
  WaitForRoom(1);
}

void BatchDelete::Send() {
  WaitForRoom(options_.requests_in_flight_max);
  {
    const MutexLock lock(mutex_);
    ++in_flight_;
  }
  auto request = std::make_shared<const DeleteManyRequest>(
      DeleteManyRequest{.bucket = bucket_, .keys = std::exchange(keys_, {})});
  Spawn(loops_.Next(), DeleteBatch(&store_, request, context_),
        [this, request](const Result<std::vector<DeleteFailure>>& result) {
          OnBatchDone(request->keys, result);
        });
}

void BatchDelete::WaitForRoom(size_t in_flight_max) {
  const MutexLock lock(mutex_);
  while (in_flight_ >= in_flight_max) batch_done_.Wait(mutex_);
}

void BatchDelete::OnBatchDone(const std::vector<std::string>& keys,
                              const Result<std::vector<DeleteFailure>>& result) {
  if (result.has_value()) {
    std::set<std::string_view> failed;
    for (const DeleteFailure& failure : *result) {
      failed.insert(failure.key);
      on_key_(failure.key, &failure.error);
    }
    for (const std::string& key : keys) {
      if (!failed.contains(key)) on_key_(key, nullptr);
    }
  } else {
    for (const std::string& key : keys) on_key_(key, &result.error());
  }
  // Notified under the lock: the waiter may destroy this object as soon as it sees the count.
  const MutexLock lock(mutex_);
  --in_flight_;
  batch_done_.NotifyAll();
}

}  // namespace headrace::file
