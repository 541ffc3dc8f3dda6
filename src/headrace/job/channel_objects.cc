// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/channel_objects.h"

#include <optional>
#include <string>
#include <utility>

namespace headrace::job {

Result<ChannelObjects> ListChannel(const ChannelSpec& spec, ObjectStore& store, EventLoops& loops,
                                   const plan::ManifestOptions& options,
                                   const CallContext& context) {
  const std::string attempt = "channel " + spec.name;
  ChannelObjects found;
  HR_TRY_ASSIGN(found.source, While(attempt, ParseS3Uri(spec.s3_uri)));
  if (spec.data_type != DataType::kManifestFile) {
    const plan::ListSource listed{.bucket = found.source.bucket, .prefix = found.source.key};
    HR_TRY_ASSIGN(found.listing,
                  While(attempt, plan::ListPrefix(store, loops, listed, options.list, context)));
    return found;
  }
  HR_TRY_ASSIGN(const plan::Manifest manifest,
                While(attempt, plan::ReadManifest(store, loops, found.source, options, context)));
  const std::string attempt_manifest = attempt + ", " + spec.s3_uri;
  if (spec.mode == InputMode::kPipe) {
    HR_TRY_ASSIGN(plan::ManifestListing named,
                  While(attempt_manifest,
                        plan::ListManifestInOrder(store, loops, manifest, options, context)));
    found.listing = std::move(named.listing);
    found.order = std::move(named.order);
  } else {
    HR_TRY_ASSIGN(found.listing, While(attempt_manifest, plan::ListManifest(store, loops, manifest,
                                                                            options, context)));
  }
  found.source = {.bucket = manifest.bucket(), .key = manifest.prefix()};
  return found;
}

plan::PlanOptions PlanOptionsOf(const ChannelSpec& spec) {
  plan::PlanOptions options{.distribution = spec.distribution, .shuffle_seed = std::nullopt};
  if (spec.shuffle_seed) options.shuffle_seed = static_cast<uint64_t>(*spec.shuffle_seed);
  return options;
}

}  // namespace headrace::job
