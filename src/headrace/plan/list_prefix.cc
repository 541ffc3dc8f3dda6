// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/list_prefix.h"

#include <limits>
#include <utility>

#include "headrace/plan/parallel_lister.h"

namespace headrace::plan {

Result<Listing> ListPrefix(ObjectStore& store, EventLoops& loops, const ListSource& source,
                           const ListOptions& options, const CallContext& context) {
  // Everything listed ahead ends in the listing.
  ListOptions unbounded = options;
  unbounded.keys_ahead_max = std::numeric_limits<size_t>::max();
  ParallelLister lister(store, loops, source, unbounded, context);
  ListingBuilder listing;
  for (;;) {
    HR_TRY_ASSIGN(std::optional<Listing> page, lister.NextPage());
    if (!page) return listing.Finish();
    HR_TRY(listing.Append(*std::move(page)));
  }
}

PrefixStream::PrefixStream(ObjectStore& store, EventLoops& loops, ListSource source,
                           const ListOptions& options, const CallContext& context)
    : lister_(std::make_unique<ParallelLister>(store, loops, std::move(source), options, context)) {
}
PrefixStream::~PrefixStream() = default;
PrefixStream::PrefixStream(PrefixStream&&) noexcept = default;
PrefixStream& PrefixStream::operator=(PrefixStream&&) noexcept = default;

Result<std::optional<ObjectInfo>> PrefixStream::Next() {
  if (position_ == page_.size()) {
    HR_TRY_ASSIGN(std::optional<Listing> page, lister_->NextPage());
    if (!page) return std::nullopt;
    page_ = *std::move(page);
    position_ = 0;
  }
  return page_.ObjectAt(position_++);
}

}  // namespace headrace::plan
