// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/job/file_channel.h"
#include "headrace/job/job_spec.h"
#include "headrace/plan/augmented_manifest.h"
#include "headrace/store/object_store.h"

namespace headrace::job {

// An augmented manifest as files: every object that the host's lines refer to, as
// objects/BUCKET/KEY below the channel's folder, and manifest.jsonl, the host's lines in their
// order with the channel's attributes alone, references being paths below that folder.
struct AugmentedFiles {
  std::vector<FileChannel> channels;  // One for each bucket; planned and checked.
  file::PartialFile manifest;         // Complete; to be committed once the objects are there.
  uint64_t manifest_bytes = 0;

  Status CommitManifest() { return manifest.Commit(manifest_bytes, SystemTime{}, false); }
};

// Reads the channel's manifest and looks up every object of this host's lines. With a shuffle, the
// lines have the order of the seed's first epoch. `options.checks_all` has the other
// hosts' lines checked as well. Errors name the channel and the line; kAlreadyExists names what is
// in the channel's folder and not of it. Memory: the objects' listing, each key twice while it is
// planned. Blocks its thread, which must not be an event loop.
Result<AugmentedFiles> PlanAugmentedFiles(const ChannelSpec& spec, const ChannelPlace& place,
                                          ObjectStore& store, EventLoops& loops,
                                          const plan::AugmentedManifestOptions& options,
                                          const CallContext& context);

}  // namespace headrace::job
