// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/augmented_items.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/task.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {
namespace {

uint64_t CostOf(const AugmentedItem& item) {
  return sizeof(AugmentedItem) + item.text.size() + item.json.size();
}

}  // namespace

LineOrder LinesOf(plan::EpochPlan plan) {
  return [plan = std::move(plan), next = uint64_t{0}]() mutable -> std::optional<uint64_t> {
    if (next == plan.size()) return std::nullopt;
    return plan.ObjectAt(next++);
  };
}

// A question on its way; lives until it is answered.
struct AugmentedItems::Lookup {
  HeadRequest request;
  CallContext context;
  std::promise<Result<ObjectHead>> answer;
};

AugmentedItems::AugmentedItems(const plan::AugmentedManifest& manifest,
                               plan::AugmentedLineParser parser, LineOrder lines,
                               ObjectStore& store, EventLoops& loops, CallContext context)
    : manifest_(manifest),
      parser_(std::move(parser)),
      lines_(std::move(lines)),
      store_(store),
      loops_(loops),
      outer_stop_(context.stop, [this] { stop_.request_stop(); }),
      context_{.deadline = context.deadline, .stop = stop_.get_token()} {}

AugmentedItems::~AugmentedItems() {
  stop_.request_stop();
  for (const Ahead& ahead : ahead_) {
    if (ahead.head.valid()) ahead.head.wait();
  }
}

std::future<Result<ObjectHead>> AugmentedItems::LookUp(const S3Uri& object) {
  auto lookup = std::make_shared<Lookup>(
      Lookup{.request = {.bucket = object.bucket, .key = object.key, .conditions = {}},
             .context = context_,
             .answer = {}});
  auto answer = lookup->answer.get_future();
  const Lookup& asked = *lookup;
  Spawn(loops_.Next(), store_.Head(asked.request, asked.context),
        [lookup = std::move(lookup)](Result<ObjectHead> head) {
          lookup->answer.set_value(std::move(head));
        });
  return answer;
}

void AugmentedItems::AddLine(uint64_t line) {
  auto values = manifest_.ValuesAt(line, parser_);
  if (!values) {
    ahead_.push_back({.item = std::unexpected(std::move(values).error()), .head = {}});
    has_more_ = false;
    return;
  }
  for (size_t i = 0; i < values->size(); ++i) {
    plan::AttributeValue& value = (*values)[i];
    AugmentedItem item{.line = line,
                       .attribute = i,
                       .text = std::move(value.text),
                       .json = std::move(value.json),
                       .read = {},
                       .modified = {}};
    std::future<Result<ObjectHead>> head;
    if (value.object) {
      head = LookUp(*value.object);
      ++lookups_;
      item.read.emplace();
      item.read->bucket = std::move(value.object->bucket);
      item.read->key = std::move(value.object->key);
    }
    ahead_bytes_ += CostOf(item);
    ahead_.push_back({.item = std::move(item), .head = std::move(head)});
  }
}

void AugmentedItems::LookAhead() {
  while (has_more_ && lookups_ < options_.lookups_in_flight_max &&
         ahead_bytes_ < options_.ahead_bytes_max) {
    const std::optional<uint64_t> line = lines_();
    if (!line) has_more_ = false;
    if (line) AddLine(*line);
  }
}

Result<std::optional<AugmentedItem>> AugmentedItems::Next() {
  LookAhead();
  if (ahead_.empty()) return std::nullopt;
  Ahead next = std::move(ahead_.front());
  ahead_.pop_front();
  HR_TRY_ASSIGN(AugmentedItem item, std::move(next.item));
  ahead_bytes_ -= CostOf(item);
  if (!item.read) return item;
  Result<ObjectHead> head = next.head.get();
  --lookups_;
  if (!head) {
    const std::string object =
        fmt::format("s3://{}/{}", item.read->bucket, plan::ShownKey(item.read->key));
    const std::string attempt = fmt::format("line {}", manifest_.NumberOf(item.line));
    if (head.error().code() == ErrorCode::kNotFound) {
      return Fail(ErrorCode::kNotFound, fmt::format("{}: no object {}", attempt, object));
    }
    return std::unexpected(std::move(head).error().While(fmt::format("{}: {}", attempt, object)));
  }
  item.read->object_size_bytes = head->info.size_bytes;
  item.read->etag = std::move(head->info.etag);
  item.modified = head->info.modified;
  item.read->range = {.begin = 0, .end = head->info.size_bytes};
  return item;
}

Status CheckAugmentedManifest(const plan::AugmentedManifest& manifest,
                              const std::vector<std::string>& attribute_names,
                              const plan::AugmentedManifestOptions& options, ObjectStore& store,
                              EventLoops& loops, const CallContext& context) {
  const uint64_t line_count = manifest.size();
  if (!options.checks_all) {
    plan::AugmentedLineParser parser(attribute_names);
    const uint64_t parsed = std::min(line_count, options.lines_parsed_first);
    for (uint64_t line = 0; line < parsed; ++line) HR_TRY(manifest.ValuesAt(line, parser));
  }
  const uint64_t sampled =
      options.checks_all ? line_count : std::min(line_count, options.lines_sampled);
  // Evenly, with the first line and the last.
  const auto sample = [line_count, sampled,
                       next = uint64_t{0}]() mutable -> std::optional<uint64_t> {
    if (next == sampled) return std::nullopt;
    const uint64_t line = sampled == 1 ? 0 : next * (line_count - 1) / (sampled - 1);
    ++next;
    return line;
  };
  AugmentedItems items(manifest, plan::AugmentedLineParser(attribute_names), sample, store, loops,
                       context);
  while (true) {
    HR_TRY_ASSIGN(const auto item, items.Next());
    if (!item) return Ok();
  }
}

}  // namespace headrace::job
