// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/version_delete.h"

#include <memory>
#include <utility>

namespace headrace::file {
namespace {

Task<Status> DeleteVersion(ObjectStore& store, std::shared_ptr<DeleteRequest> request,
                           const CallContext& context) {
  if (!request->conditions.if_match.empty()) {
    const HeadRequest head{
        .bucket = request->bucket, .key = request->key, .conditions = request->conditions};
    const Result<ObjectHead> there = co_await store.Head(head, context);
    if (!there) {
      if (there.error().code() == ErrorCode::kNotFound) co_return Ok();
      co_return std::unexpected(there.error());
    }
  }
  Status deleted = co_await store.Delete(*request, context);
  const bool is_refused = !deleted && deleted.error().code() == ErrorCode::kUnsupported;
  if (!is_refused || request->conditions.if_match.empty()) co_return deleted;
  request->conditions = {};
  co_return co_await store.Delete(*request, context);
}

}  // namespace

VersionDelete::VersionDelete(ObjectStore& store, EventLoops& loops, std::string bucket,
                             OnKey on_key, CallContext context, VersionDeleteOptions options)
    : store_(store),
      loops_(loops),
      bucket_(std::move(bucket)),
      on_key_(std::move(on_key)),
      context_(std::move(context)),
      in_flight_max_(options.objects_in_flight_max),
      in_flight_(options.objects_in_flight_max) {}

VersionDelete::~VersionDelete() { Finish(); }

void VersionDelete::Add(std::string key, std::string etag) {
  in_flight_.TakeBlocking(1);
  auto request = std::make_shared<DeleteRequest>(
      DeleteRequest{.bucket = bucket_, .key = std::move(key), .conditions = {}});
  request->conditions.if_match = std::move(etag);
  Spawn(loops_.Next(), DeleteVersion(store_, request, context_),
        [this, request](const Status& deleted) {
          on_key_(request->key, deleted.has_value() ? nullptr : &deleted.error());
          in_flight_.Give(1);
        });
}

void VersionDelete::Finish() {
  in_flight_.TakeBlocking(in_flight_max_);
  in_flight_.Give(in_flight_max_);
}

}  // namespace headrace::file
