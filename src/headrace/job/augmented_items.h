// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/plan/augmented_line.h"
#include "headrace/plan/augmented_manifest.h"
#include "headrace/plan/epoch_plan.h"
#include "headrace/store/object_store.h"

namespace headrace::job {

// One attribute of one line, to be delivered: an object, or the text itself.
struct AugmentedItem {
  uint64_t line = 0;     // The manifest's index of the line,
  size_t attribute = 0;  // and the place of the attribute's name in the list.
  std::string text;      // Empty for an object.
  std::string json;      // The value as it stands in the line, object or not.
  std::optional<fetch::PlannedRead> read;
  SystemTime modified{};  // Of the object.
};

struct AugmentedItemOptions {
  // Sizes of objects that are asked for at once, ahead of their delivery: at 20 ms a request,
  // 12,800 objects/s.
  size_t lookups_in_flight_max = 256;
  // What is parsed ahead may hold so many bytes of values, and one line more.
  uint64_t ahead_bytes_max = 8ULL << 20U;
};

// The index of the next line to deliver; nothing at the end.
using LineOrder = std::move_only_function<std::optional<uint64_t>()>;

// The lines of a rank's epoch.
LineOrder LinesOf(plan::EpochPlan plan);

// What lines of an augmented manifest deliver, in order: line by line as `lines` gives them, and
// in a line the attributes in the order of their names. Objects are looked up ahead, one HEAD each,
// since a manifest does not say how large they are.
//
// Threads: one at a time, not an event loop. Lifetime: manifest, store and loops outlive it.
// Memory: ahead_bytes_max, and a line.
class AugmentedItems {
 public:
  AugmentedItems(const plan::AugmentedManifest& manifest, plan::AugmentedLineParser parser,
                 LineOrder lines, ObjectStore& store, EventLoops& loops, CallContext context);
  // Cancels the lookups on their way and waits for their end.
  ~AugmentedItems();
  AugmentedItems(const AugmentedItems&) = delete;
  AugmentedItems& operator=(const AugmentedItems&) = delete;

  // The next item; nothing at the end. Blocks until its object has been looked up. kNotFound and
  // kInvalidArgument name the line; after an error it is not called again.
  Result<std::optional<AugmentedItem>> Next();

 private:
  struct Lookup;
  // An item, or the end of them by a mistake; its object's size may still be on its way.
  struct Ahead {
    Result<AugmentedItem> item;
    std::future<Result<ObjectHead>> head;
  };

  void LookAhead();
  void AddLine(uint64_t line);
  std::future<Result<ObjectHead>> LookUp(const S3Uri& object);

  const plan::AugmentedManifest& manifest_;
  plan::AugmentedLineParser parser_;
  LineOrder lines_;
  ObjectStore& store_;
  EventLoops& loops_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> outer_stop_;
  CallContext context_;
  AugmentedItemOptions options_;
  std::deque<Ahead> ahead_;
  size_t lookups_ = 0;        // In ahead_.
  uint64_t ahead_bytes_ = 0;  // Of values in ahead_.
  bool has_more_ = true;
};

// Looks for mistakes in a manifest before anything is delivered: parses its first lines and finds
// the objects of some lines that are spread over all of it, as the options say. The error names the
// line.
Status CheckAugmentedManifest(const plan::AugmentedManifest& manifest,
                              const std::vector<std::string>& attribute_names,
                              const plan::AugmentedManifestOptions& options, ObjectStore& store,
                              EventLoops& loops, const CallContext& context);

}  // namespace headrace::job
