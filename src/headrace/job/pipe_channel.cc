// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/pipe_channel.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "headrace/format/record_io.h"
#include "headrace/job/augmented_items.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {
namespace {

bool IsFolderMarker(std::string_view key) { return key.ends_with('/'); }

}  // namespace

Result<PipeChannel> PipeChannel::Plan(const ChannelSpec& spec, const PipePlanOptions& options,
                                      ObjectStore& store, EventLoops& loops,
                                      const CallContext& context) {
  PipeChannel channel(spec, options.rank, store, loops);
  const std::string attempt = "channel " + spec.name;
  if (spec.data_type == DataType::kAugmentedManifestFile) {
    HR_TRY(While(attempt, channel.ReadAugmented(options, context)));
  } else {
    HR_TRY_ASSIGN(channel.objects_, ListChannel(spec, store, loops, options.sources, context));
    HR_TRY(While(attempt, channel.DropFolderMarkers()));
    HR_TRY(While(attempt, channel.CheckRecordSizes()));
  }
  HR_TRY(While(attempt, channel.CheckResume()));
  return channel;
}

// Silently nothing of an epoch would be read.
Status PipeChannel::CheckResume() const {
  const plan::ResumePoint& from = spec_.resume;
  if (from.position <= unit_count()) return Ok();
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("resume {}:{} lies beyond the epoch, which has {} positions", from.epoch,
                          from.position, unit_count()));
}

Status PipeChannel::ReadAugmented(const PipePlanOptions& options, const CallContext& context) {
  HR_TRY_ASSIGN(const S3Uri uri, ParseS3Uri(spec_.s3_uri));
  HR_TRY_ASSIGN(auto manifest, plan::AugmentedManifest::Read(*store_, *loops_, uri, options.folder,
                                                             options.augmented, context));
  manifest_ = std::make_unique<plan::AugmentedManifest>(std::move(manifest));
  return While(spec_.s3_uri, CheckAugmentedManifest(*manifest_, spec_.attribute_names,
                                                    options.augmented, *store_, *loops_, context));
}

Status PipeChannel::DropFolderMarkers() {
  plan::Listing& listing = objects_.listing;
  const auto is_marker = [&](size_t index) { return IsFolderMarker(listing.KeyAt(index)); };
  bool is_empty = listing.empty();
  if (!objects_.order.empty()) {
    std::erase_if(objects_.order, is_marker);
    is_empty = objects_.order.empty();
  } else if (std::ranges::any_of(listing, IsFolderMarker, &plan::ListedObject::key)) {
    plan::ListingBuilder builder;
    for (size_t index = 0; index < listing.size(); ++index) {
      if (!is_marker(index)) HR_TRY(builder.Add(listing.ObjectAt(index)));
    }
    HR_TRY_ASSIGN(listing, builder.Finish());
    is_empty = listing.empty();
  }
  // A host without a share of its own still runs; a channel without an object is a mistake.
  if (!is_empty) return Ok();
  return Fail(ErrorCode::kNotFound,
              fmt::format("no object under {}; check the URI",
                          FormatS3Uri(objects_.source.bucket, objects_.source.key)));
}

Status PipeChannel::CheckRecordSizes() const {
  // What a gzip file inflates to shows when it is read.
  if (!framing().wraps_record_io || framing().inflates_gzip) return Ok();
  for (const plan::ListedObject& object : objects_.listing) {
    if (object.size_bytes <= format::kRecordIoPayloadBytesMax) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has {} bytes, a RecordIO record at most {}; cut it into smaller "
                            "objects or leave record-wrapper out",
                            FormatS3Uri(objects_.source.bucket, plan::ShownKey(object.key)),
                            object.size_bytes, format::kRecordIoPayloadBytesMax));
  }
  return Ok();
}

uint64_t PipeChannel::unit_count() const {
  if (manifest_) return manifest_->size();
  return objects_.order.empty() ? objects_.listing.size() : objects_.order.size();
}

pipe::PipeFraming PipeChannel::framing() const {
  return {.inflates_gzip = spec_.compression == Compression::kGzip,
          .wraps_record_io = spec_.record_wrapper == RecordWrapper::kRecordIo};
}

plan::EpochPlan PipeChannel::PlanOf(uint64_t number) const {
  const plan::ResumePoint start{.epoch = spec_.resume.epoch + number,
                                .position = number == 0 ? spec_.resume.position : 0};
  return {unit_count(), PlanOptionsOf(spec_), rank_, start};
}

pipe::ItemSource PipeChannel::Epoch(uint64_t number, const CallContext& context) const {
  if (manifest_) return AugmentedEpoch(number, context);
  return [this, plan = PlanOf(number),
          next = uint64_t{0}]() mutable -> Result<std::optional<pipe::PipeItem>> {
    if (next == plan.size()) return std::nullopt;
    return pipe::PipeItem{.read = ReadAt(plan.ObjectAt(next++)), .bytes = {}};
  };
}

pipe::ItemSource PipeChannel::AugmentedEpoch(uint64_t number, const CallContext& context) const {
  auto items =
      std::make_unique<AugmentedItems>(*manifest_, plan::AugmentedLineParser(spec_.attribute_names),
                                       LinesOf(PlanOf(number)), *store_, *loops_, context);
  return [this, items = std::move(items)]() -> Result<std::optional<pipe::PipeItem>> {
    HR_TRY_ASSIGN(auto item, While(spec_.s3_uri, items->Next()));
    if (!item) return std::nullopt;
    if (item->read) item->read->store = store_;
    return pipe::PipeItem{.read = std::move(item->read), .bytes = std::move(item->text)};
  };
}

plan::ResumePoint PipeChannel::ResumeAt(uint64_t number, uint64_t item_count) const {
  const plan::EpochPlan plan = PlanOf(number);
  if (manifest_) item_count /= spec_.attribute_names.size();
  return plan.ResumeAt(std::min(item_count, plan.size()));
}

fetch::PlannedRead PipeChannel::ReadAt(uint64_t place) const {
  const size_t index = objects_.order.empty() ? place : objects_.order.at(place);
  ObjectInfo object = objects_.listing.ObjectAt(index);
  return {.bucket = objects_.source.bucket,
          .key = std::move(object.key),
          .object_size_bytes = object.size_bytes,
          .etag = std::move(object.etag),
          .range = {.begin = 0, .end = object.size_bytes},
          .store = store_};
}

}  // namespace headrace::job
