// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/transfer_display.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/cli/human_text.h"
#include "headrace/cli/print.h"
#include "headrace/plan/key_path.h"

namespace headrace::cli {

std::string StepLine(const Step& step, bool is_dry_run) {
  std::string line = fmt::format("{}{}: {}", is_dry_run ? "(dryrun) " : "", step.verb, step.source);
  if (!step.target.empty()) line += " to " + step.target;
  return line;
}

std::string StepJson(const Step& step, bool is_dry_run, const Error* error) {
  JsonLine line;
  line.Add("operation", step.verb).Add("source", step.source).AddIfAny("target", step.target);
  line.Add("size_bytes", step.size_bytes);
  if (is_dry_run) line.Add("dry_run", true);
  if (error != nullptr) {
    line.Add("error", error->message()).Add("error_code", ErrorCodeName(error->code()));
  }
  return line.Text();
}

TransferDisplay::TransferDisplay(const CommandContext& context, std::string_view command,
                                 Options options)
    : context_(context),
      world_(context.world()),
      command_(command),
      options_(std::move(options)),
      is_json_(context.options().is_json),
      shows_bar_(options_.shows_progress && !context.options().is_quiet && !is_json_ &&
                 !context.options().is_debug && IsTerminal(world_.err)),
      prints_lines_(!context.options().is_quiet &&
                    (is_json_ || !shows_bar_ || !IsTerminal(world_.out))),
      begin_(world_.clock->Now()) {
  if (shows_bar_) drawer_.emplace(world_.err, [this] { return Now(); });
}

void TransferDisplay::OnFound(uint64_t size_bytes) {
  counts_.bytes_found += size_bytes;
  ++counts_.items_found;
}

void TransferDisplay::OnBegin(Step step) {
  AwaitRoom();
  const MutexLock lock(mutex_);
  running_.emplace(next_index_++, std::move(step));
}

std::optional<Step> TransferDisplay::TakeStep(size_t index) {
  const MutexLock lock(mutex_);
  auto node = running_.extract(index);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void TransferDisplay::OnItemDone(size_t index) {
  const std::optional<Step> step = TakeStep(index);
  HR_CHECK(step.has_value());
  if (options_.on_item_end) options_.on_item_end(index, true);
  OnDone(*step);
}

void TransferDisplay::OnItemFailed(size_t index, const Error& error) {
  const std::optional<Step> step = TakeStep(index);
  HR_CHECK(step.has_value());
  if (options_.on_item_end) options_.on_item_end(index, false);
  OnFailed(*step, error);
}

void TransferDisplay::OnDone(const Step& step) {
  ++counts_.items_done;
  if (prints_lines_) PrintStep(step, false, nullptr);
}

void TransferDisplay::OnFailed(const Step& step, const Error& error) {
  ++counts_.items_failed;
  {
    const MutexLock lock(mutex_);
    if (!first_failure_) first_failure_ = error.code();
    failures_differ_ = failures_differ_ || *first_failure_ != error.code();
  }
  if (error.code() == ErrorCode::kCancelled) return;
  if (IsOutOfTime(error)) {
    is_out_of_time_ = true;
    return;
  }
  if (is_json_ && prints_lines_) PrintStep(step, false, &error);
  // Most messages name their object already.
  const bool is_named = error.message().find(step.source) != std::string::npos;
  const std::string line =
      fmt::format("headrace {}: {} failed: {}{}{}", command_, step.verb,
                  is_named ? "" : step.source, is_named ? "" : ": ", error.message());
  printer_.Add(world_.err, fmt::format("{}{}", shows_bar_ ? kClearLine : "", plan::ShownKey(line)));
}

bool TransferDisplay::IsOutOfTime(const Error& error) const {
  return error.code() == ErrorCode::kTimedOut && context_.is_out_of_time();
}

void TransferDisplay::OnWouldDo(const Step& step) {
  AwaitRoom();
  if (prints_lines_) PrintStep(step, true, nullptr);
}

void TransferDisplay::PrintStep(const Step& step, bool is_dry_run, const Error* error) {
  if (is_json_) {
    printer_.Add(world_.out, StepJson(step, is_dry_run, error));
  } else {
    printer_.Add(world_.out, std::string(plan::ShownKey(StepLine(step, is_dry_run))));
  }
}

Result<ExitCode> TransferDisplay::Finish(const std::optional<Error>& whole) {
  if (drawer_) drawer_->Stop();
  printer_.Finish();
  if (shows_bar_) {
    const Progress last = Now();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(last.elapsed);
    PrintLine(world_.err,
              fmt::format("{}{}, {} in {}", kClearLine, CountText(last.items_done, "file"),
                          SizeText(last.bytes_done), DurationText(seconds)));
  }
  if (world_.stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "interrupted");
  }
  const uint64_t items_done = counts_.items_done;
  // As with Ctrl-C: what was broken off is told once and not object by object.
  if (is_out_of_time_ || (whole && IsOutOfTime(*whole))) {
    return Fail(ErrorCode::kTimedOut, CountText(items_done, "item") + " done");
  }
  if (whole) return std::unexpected(*whole);
  const uint64_t items_failed = counts_.items_failed;
  if (items_failed == 0) return ExitCode::kSuccess;
  if (items_failed + items_done > 1) {
    PrintLine(world_.err, fmt::format("headrace {}: {} of {} failed", command_, items_failed,
                                      items_failed + items_done));
  }
  const MutexLock lock(mutex_);
  const bool is_one_cause = items_done == 0 && !failures_differ_ && first_failure_;
  const ExitCode cause = is_one_cause ? ExitCodeOf(*first_failure_) : ExitCode::kPartial;
  // The command line was fine: an object was not.
  return cause == ExitCode::kUsage ? ExitCode::kPartial : cause;
}

}  // namespace headrace::cli
