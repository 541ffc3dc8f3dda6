// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/unique_fd.h"
#include "headrace/plan/augmented_line.h"
#include "headrace/plan/line_index.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::plan {

struct AugmentedManifestOptions {
  LineIndexOptions lines;
  // The manifest's copy on disk: 200 million lines of 300 bytes.
  uint64_t size_bytes_max = 64ULL << 30U;
  // How much of the manifest is read, and held, at once.
  uint64_t piece_bytes = 8ULL << 20U;
  // How many lines from the first on are parsed before a job starts, unless it checks all.
  uint64_t lines_parsed_first = 1000;
  // How many lines, spread evenly, have their objects looked for before a job starts, unless it
  // checks all.
  uint64_t lines_sampled = 100;
  // Parse every line, and look for every object.
  bool checks_all = false;
};

// An AugmentedManifestFile: JSON lines, any of which can be read at any time. The text lies in a
// file without a name, which goes with this object or its process.
// Threads: const methods from any thread at once. Memory: 5 bytes a line.
class AugmentedManifest {
 public:
  // Reads the manifest at `uri` once, from one version of it, into a nameless file in `folder`.
  // Errors name the manifest: kInvalidArgument for one without lines, kResourceExhausted beyond a
  // limit or on a full disk. Blocks its thread, which must not be an event loop.
  static Result<AugmentedManifest> Read(ObjectStore& store, EventLoops& loops, const S3Uri& uri,
                                        const std::string& folder,
                                        const AugmentedManifestOptions& options,
                                        const CallContext& context);

  // Lines; blank ones do not count.
  uint64_t size() const { return index_.size(); }
  // The line without its end. Precondition of the three: index < size().
  Result<std::string> LineAt(uint64_t index) const;
  // What `parser` makes of the line; errors name its number.
  Result<std::vector<AttributeValue>> ValuesAt(uint64_t index, AugmentedLineParser& parser) const;
  // Its number as editors show it. Reads the text up to the line: for messages.
  uint64_t NumberOf(uint64_t index) const;

 private:
  AugmentedManifest(UniqueFd text, LineIndex index, uint64_t line_bytes_max)
      : text_(std::move(text)), index_(std::move(index)), line_bytes_max_(line_bytes_max) {}

  UniqueFd text_;
  LineIndex index_;
  uint64_t line_bytes_max_;
};

}  // namespace headrace::plan
