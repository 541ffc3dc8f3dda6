// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "headrace/deliver/file/multipart.h"
#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {
namespace {

Task<Result<ObjectAttributes>> SourceAttributes(Transfer::State& state, const CopyItem& item,
                                                const CallContext& context) {
  HeadRequest request{.bucket = item.source_bucket, .key = item.source_key};
  request.conditions.if_match = item.source_etag;
  HR_CO_TRY_ASSIGN(ObjectHead head, co_await state.store.Head(request, context));
  if (!item.change_attributes) co_return std::move(head.attributes);
  co_return item.change_attributes(std::move(head.attributes));
}

Task<Status> CopyWhole(Transfer::State& state, const CopyItem& item, TransferObserver& observer,
                       const CallContext& context) {
  CopyRequest request{.source_bucket = item.source_bucket,
                      .source_key = item.source_key,
                      .source_if_match = item.source_etag,
                      .bucket = item.bucket,
                      .key = item.key};
  // The store keeps all attributes or none.
  if (item.change_attributes) {
    HR_CO_TRY_ASSIGN(request.attributes, co_await SourceAttributes(state, item, context));
  }
  auto copied = co_await state.store.Copy(request, context);
  if (!copied) co_return std::unexpected(std::move(copied).error());
  observer.OnBytes(item.size_bytes);
  co_return Ok();
}

// A copy in parts starts from nothing, so the source's attributes have to be asked for.
Task<Status> CopyInParts(Transfer::State& state, const CopyItem& item, TransferObserver& observer,
                         const CallContext& context) {
  CreateMultipartRequest request{.bucket = item.bucket, .key = item.key};
  HR_CO_TRY_ASSIGN(request.attributes, co_await SourceAttributes(state, item, context));
  co_return co_await CopyParts(state, request, item, observer, context);
}

struct CopyJob {
  CopyItem item;
};

Task<Status> CopyOne(Transfer::State& state, std::shared_ptr<CopyJob> job,
                     TransferObserver& observer, const CallContext& context) {
  if (job->item.size_bytes > kCopyBytesMax) {
    co_return co_await CopyInParts(state, job->item, observer, context);
  }
  co_await state.upload_requests->Take(1);
  Status outcome = co_await CopyWhole(state, job->item, observer, context);
  state.upload_requests->Give(1);
  co_return outcome;
}

}  // namespace

TransferReport Transfer::Copy(ItemSource<CopyItem> source, TransferObserver& observer,
                              const CallContext& context) {
  const auto start = [&](CopyItem item, size_t, auto done) {
    auto job = std::make_shared<CopyJob>();
    job->item = std::move(item);
    Spawn(state_->loops.Next(), CopyOne(*state_, job, observer, context), std::move(done));
  };
  return RunItems<CopyItem>(*state_, std::move(source), observer, context, start);
}

}  // namespace headrace::file
