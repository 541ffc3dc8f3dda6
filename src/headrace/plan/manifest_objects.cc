// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/manifest_objects.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/task.h"
#include "headrace/plan/key_path.h"

namespace headrace::plan {
namespace {

std::unexpected<Error> Missing(const Manifest& manifest, size_t index) {
  return Fail(ErrorCode::kNotFound,
              fmt::format("entry {} of the manifest: no object s3://{}/{}", index + 1,
                          manifest.bucket(), ShownKey(manifest.KeyAt(index))));
}

// Whether a name may come twice.
enum class Repeats : uint8_t { kRefused, kTaken };

// What all keys begin with.
std::string CommonPrefix(const Manifest& manifest) {
  std::string common = manifest.KeyAt(0);
  for (size_t i = 1; i < manifest.size(); ++i) {
    const std::string key = manifest.KeyAt(i);
    const auto differs = std::ranges::mismatch(common, key);
    common.erase(differs.in1, common.end());
  }
  return common;
}

// One HEAD for each entry, several at once.
Result<Listing> LookUpEach(ObjectStore& store, EventLoops& loops, const Manifest& manifest,
                           const ManifestOptions& options, Repeats repeats,
                           const CallContext& context) {
  std::vector<HeadRequest> requests(manifest.size());
  std::vector<std::optional<Result<ObjectHead>>> heads(manifest.size());
  AsyncSemaphore running(options.lookups_in_flight_max);
  for (size_t i = 0; i < manifest.size(); ++i) {
    requests[i] = {.bucket = manifest.bucket(), .key = manifest.KeyAt(i), .conditions = {}};
    running.TakeBlocking(1);
    Spawn(loops.Next(), store.Head(requests[i], context), [&, i](Result<ObjectHead> head) {
      heads[i] = std::move(head);
      running.Give(1);
    });
  }
  running.TakeBlocking(options.lookups_in_flight_max);
  ListingBuilder builder;
  std::set<std::string> seen;
  for (size_t i = 0; i < manifest.size(); ++i) {
    Result<ObjectHead>& head = *heads[i];
    if (!head && head.error().code() == ErrorCode::kNotFound) return Missing(manifest, i);
    if (!head) return std::unexpected(std::move(head).error());
    if (!seen.insert(requests[i].key).second && repeats == Repeats::kTaken) continue;
    ObjectInfo object = std::move(head->info);
    object.key = std::move(requests[i].key);
    HR_TRY(builder.Add(object));
  }
  return builder.Finish();
}

// Lists what the entries have in common and picks them out.
Result<Listing> PickFromListing(ObjectStore& store, EventLoops& loops, const Manifest& manifest,
                                const ManifestOptions& options, Repeats repeats,
                                const CallContext& context) {
  const ListSource source{.bucket = manifest.bucket(), .prefix = CommonPrefix(manifest)};
  HR_TRY_ASSIGN(const Listing all, ListPrefix(store, loops, source, options.list, context));
  ListingBuilder builder;
  std::vector<bool> seen(all.size());
  for (size_t i = 0; i < manifest.size(); ++i) {
    const auto found = all.Find(manifest.KeyAt(i));
    if (!found) return Missing(manifest, i);
    if (seen[*found] && repeats == Repeats::kTaken) continue;
    seen[*found] = true;
    HR_TRY(builder.Add(all.ObjectAt(*found)));
  }
  return builder.Finish();
}

Result<Listing> ListEntries(ObjectStore& store, EventLoops& loops, const Manifest& manifest,
                            const ManifestOptions& options, Repeats repeats,
                            const CallContext& context) {
  return manifest.size() <= options.lookup_count_max
             ? LookUpEach(store, loops, manifest, options, repeats, context)
             : PickFromListing(store, loops, manifest, options, repeats, context);
}

}  // namespace

Result<Manifest> ReadManifest(ObjectStore& store, EventLoops& loops, const S3Uri& uri,
                              const ManifestOptions& options, const CallContext& context) {
  const std::string attempt = fmt::format("manifest {}", FormatS3Uri(uri.bucket, uri.key));
  const HeadRequest look{.bucket = uri.bucket, .key = uri.key, .conditions = {}};
  HR_TRY_ASSIGN(const ObjectHead head,
                While(attempt, RunBlocking(loops.Next(), store.Head(look, context))));
  if (head.info.size_bytes > options.size_bytes_max) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: its {} bytes are above the limit of {}; split it into channels",
                            attempt, head.info.size_bytes, options.size_bytes_max));
  }
  std::string text(head.info.size_bytes, '\0');
  const GetRequest request{.bucket = uri.bucket,
                           .key = uri.key,
                           .range = std::nullopt,
                           .conditions = {.if_match = head.info.etag},
                           .target = std::as_writable_bytes(std::span(text))};
  HR_TRY_ASSIGN(const GetResult got,
                While(attempt, RunBlocking(loops.Next(), store.Get(request, context))));
  text.resize(got.size_bytes);
  return While(attempt, ParseManifest(std::move(text)));
}

Result<ManifestListing> ListManifestInOrder(ObjectStore& store, EventLoops& loops,
                                            const Manifest& manifest,
                                            const ManifestOptions& options,
                                            const CallContext& context) {
  ManifestListing found;
  HR_TRY_ASSIGN(found.listing,
                ListEntries(store, loops, manifest, options, Repeats::kTaken, context));
  found.order.reserve(manifest.size());
  for (size_t i = 0; i < manifest.size(); ++i) {
    const std::optional<size_t> place = found.listing.Find(manifest.KeyAt(i));
    HR_CHECK(place.has_value());
    found.order.push_back(static_cast<uint32_t>(*place));
  }
  return found;
}

Result<Listing> ListManifest(ObjectStore& store, EventLoops& loops, const Manifest& manifest,
                             const ManifestOptions& options, const CallContext& context) {
  return ListEntries(store, loops, manifest, options, Repeats::kRefused, context);
}

}  // namespace headrace::plan
