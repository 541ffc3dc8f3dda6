// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "headrace/fetch/fetcher.h"

namespace headrace::fetch {

// Fetcher::Run: feeds the scheduler from the source, ahead of the sink, and waits for the end.
Status RunPlan(Scheduler& scheduler, std::shared_ptr<MemoryAccount> account, ReadSource source,
               PartSink& sink, const CallContext& context);

}  // namespace headrace::fetch
