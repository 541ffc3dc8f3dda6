// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/augmented_files.h"

#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/encoding.h"
#include "headrace/job/augmented_items.h"
#include "headrace/job/channel_objects.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kManifestName = "manifest.jsonl";
constexpr std::string_view kObjectsName = "objects";

std::string JsonText(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// Gathers what the items of a host refer to, and writes its lines.
class FilesPlanner {
 public:
  FilesPlanner(const ChannelSpec& spec, file::PartialFile& target)
      : names_(spec.attribute_names), target_(target) {}

  Status Add(const AugmentedItem& item) {
    text_ += item.attribute == 0 ? '{' : ',';
    text_ += JsonText(names_[item.attribute]) + ':';
    if (item.read) {
      text_ += JsonText(fmt::format("{}/{}/{}", kObjectsName, item.read->bucket, item.read->key));
      HR_TRY(AddObject(item));
    } else {
      text_ += item.json;
    }
    if (item.attribute + 1 < names_.size()) return Ok();
    text_ += "}\n";
    return text_.size() < kWriteBytes ? Ok() : Write();
  }

  Status Write() {
    HR_TRY(target_.WriteAt(AsBytes(text_), written_bytes_));
    written_bytes_ += text_.size();
    text_.clear();
    return Ok();
  }

  uint64_t written_bytes() const { return written_bytes_; }

  // The objects of each bucket. Nothing is kept of them.
  Result<std::map<std::string, plan::Listing>> TakeListings() {
    std::map<std::string, plan::Listing> listings;
    for (auto& [bucket, objects] : buckets_) {
      HR_TRY_ASSIGN(listings[bucket], objects.builder.Finish());
    }
    buckets_.clear();
    return listings;
  }

 private:
  static constexpr size_t kWriteBytes = 1U << 20U;
  struct Objects {
    plan::ListingBuilder builder;
    std::unordered_set<std::string> keys;  // Lines may share an object.
  };

  Status AddObject(const AugmentedItem& item) {
    Objects& objects = buckets_[item.read->bucket];
    if (!objects.keys.insert(item.read->key).second) return Ok();
    return objects.builder.Add({.key = item.read->key,
                                .size_bytes = item.read->object_size_bytes,
                                .etag = item.read->etag,
                                .modified = item.modified,
                                .storage_class = {}});
  }

  const std::vector<std::string>& names_;
  file::PartialFile& target_;
  std::string text_;
  uint64_t written_bytes_ = 0;
  std::map<std::string, Objects> buckets_;
};

// Refuses what a script would take for the channel's.
Status CheckEntries(const std::string& folder, const auto& is_expected) {
  std::error_code failure;
  if (!fs::exists(folder, failure)) return Ok();
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (is_expected(name) || file::IsPartialName(name)) continue;
    return Fail(
        ErrorCode::kAlreadyExists,
        fmt::format("{} is not of this manifest; remove it or choose another base directory",
                    entry->path().string()));
  }
  if (!failure) return Ok();
  return std::unexpected(Error::FromErrno(failure.value(), "read " + folder));
}

Result<std::vector<FileChannel>> PlanBuckets(const ChannelSpec& spec, const std::string& folder,
                                             std::map<std::string, plan::Listing> listings) {
  const std::string objects = fmt::format("{}/{}", folder, kObjectsName);
  const auto is_ours = [](const std::string& name) {
    return name == kManifestName || name == kObjectsName;
  };
  const auto is_bucket = [&](const std::string& name) { return listings.contains(name); };
  const std::string attempt = "channel " + spec.name;
  HR_TRY(While(attempt, CheckEntries(folder, is_ours)));
  HR_TRY(While(attempt, CheckEntries(objects, is_bucket)));
  std::vector<FileChannel> channels;
  for (auto& [bucket, listing] : listings) {
    ChannelSpec part;
    part.name = spec.name;
    if (listings.size() > 1) part.name += fmt::format(" ({})", bucket);
    const std::string place = fmt::format("{}/{}", objects, bucket);
    std::error_code failure;
    fs::create_directories(place, failure);
    if (failure)
      return std::unexpected(
          Error::FromErrno(failure.value(), fmt::format("{}: make {}", attempt, place)));
    HR_TRY_ASSIGN(FileChannel channel,
                  FileChannel::OfListing(part, {.bucket = bucket, .key = {}},
                                         {.folder = place, .rank = {}}, std::move(listing)));
    HR_TRY(channel.CheckFolder());
    channels.push_back(std::move(channel));
  }
  return channels;
}

}  // namespace

Result<AugmentedFiles> PlanAugmentedFiles(const ChannelSpec& spec, const ChannelPlace& place,
                                          ObjectStore& store, EventLoops& loops,
                                          const plan::AugmentedManifestOptions& options,
                                          const CallContext& context) {
  const std::string attempt = "channel " + spec.name;
  HR_TRY_ASSIGN(const S3Uri uri, While(attempt, ParseS3Uri(spec.s3_uri)));
  // The tree is held by this job alone: whoever wrote them is gone.
  file::RemovePartialFiles(place.folder, SystemTime::max());
  HR_TRY_ASSIGN(const auto manifest,
                While(attempt, plan::AugmentedManifest::Read(store, loops, uri, place.folder,
                                                             options, context)));
  const std::string attempt_at_manifest = fmt::format("{}, {}", attempt, spec.s3_uri);
  HR_TRY(While(attempt_at_manifest, CheckAugmentedManifest(manifest, spec.attribute_names, options,
                                                           store, loops, context)));
  HR_TRY_ASSIGN(
      auto target,
      While(attempt, file::PartialFile::Create(fmt::format("{}/{}", place.folder, kManifestName))));
  FilesPlanner planner(spec, target);
  AugmentedItems items(manifest, plan::AugmentedLineParser(spec.attribute_names),
                       LinesOf({manifest.size(), PlanOptionsOf(spec), place.rank, {}}), store,
                       loops, context);
  while (true) {
    HR_TRY_ASSIGN(const auto item, While(attempt_at_manifest, items.Next()));
    if (!item) break;
    HR_TRY(While(attempt, planner.Add(*item)));
  }
  HR_TRY(While(attempt, planner.Write()));
  HR_TRY_ASSIGN(auto listings, While(attempt, planner.TakeListings()));
  HR_TRY_ASSIGN(auto channels, PlanBuckets(spec, place.folder, std::move(listings)));
  return AugmentedFiles{.channels = std::move(channels),
                        .manifest = std::move(target),
                        .manifest_bytes = planner.written_bytes()};
}

}  // namespace headrace::job
