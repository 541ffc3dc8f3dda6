// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/transfer.h"

#include <utility>

#include "headrace/deliver/file/transfer_state.h"

namespace headrace::file {

Transfer::Transfer(ObjectStore& store, EventLoops& loops, TransferOptions options)
    : state_(std::make_unique<State>(store, loops, options)) {}
Transfer::~Transfer() = default;

MetricsSnapshot Transfer::metrics() const { return state_->fetcher.metrics(); }

}  // namespace headrace::file
