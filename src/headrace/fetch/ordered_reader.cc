// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/ordered_reader.h"

#include <deque>
#include <map>
#include <utility>

#include "headrace/base/mutex.h"

namespace headrace::fetch {

// Puts parts back in order. Reads are planned, end and are consumed in order of their index; parts
// of a read arrive in any order.
class OrderedReader::Sink final : public PartSink {
 public:
  void OnPlanned(ByteRange range) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    planned_.push_back({.range = range});
    changed_.NotifyAll();
  }

  void OnPart(Part part) override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (is_abandoned_) return;
    const auto place = std::pair(part.read_index, part.offset);
    parts_.emplace(place, std::move(part));
    changed_.NotifyAll();
  }

  void OnReadEnd(size_t read_index, Status status) override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    // Reads before current_ were consumed whole, and a read is consumed only after it ended.
    planned_.at(read_index - current_).outcome = std::move(status);
    changed_.NotifyAll();
  }

  void OnRunEnd(Status status) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    run_outcome_ = std::move(status);
    changed_.NotifyAll();
  }

  void Abandon() HR_EXCLUDES(mutex_) {
    std::map<std::pair<size_t, uint64_t>, Part> dropped;
    const MutexLock lock(mutex_);
    is_abandoned_ = true;
    std::swap(dropped, parts_);
  }

  Result<std::optional<Part>> Next() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (true) {
      if (failure_) return std::unexpected(*failure_);
      if (planned_.empty()) {
        if (!run_outcome_) {
          changed_.Wait(mutex_);
          continue;
        }
        if (!*run_outcome_) return KeepFailure(run_outcome_->error());
        return std::optional<Part>();
      }
      Planned& read = planned_.front();
      const auto found = parts_.find({current_, read.range.begin});
      if (found != parts_.end()) {
        Part part = std::move(found->second);
        parts_.erase(found);
        read.range.begin += part.bytes.span().size();
        return std::optional<Part>(std::move(part));
      }
      if (!read.outcome) {
        changed_.Wait(mutex_);
        continue;
      }
      if (!*read.outcome) return KeepFailure(read.outcome->error());
      planned_.pop_front();
      ++current_;
    }
  }

 private:
  struct Planned {
    ByteRange range;  // What has not been consumed yet.
    std::optional<Status> outcome;
  };

  std::unexpected<Error> KeepFailure(const Error& error) HR_REQUIRES(mutex_) {
    failure_ = error;
    return std::unexpected(error);
  }

  Mutex mutex_;
  CondVar changed_;
  // Reads that were planned and not consumed; the first has index current_.
  std::deque<Planned> planned_ HR_GUARDED_BY(mutex_);
  size_t current_ HR_GUARDED_BY(mutex_) = 0;
  // Bounded by the fetcher's memory, which every part holds a share of.
  std::map<std::pair<size_t, uint64_t>, Part> parts_ HR_GUARDED_BY(mutex_);
  std::optional<Status> run_outcome_ HR_GUARDED_BY(mutex_);
  std::optional<Error> failure_ HR_GUARDED_BY(mutex_);
  bool is_abandoned_ HR_GUARDED_BY(mutex_) = false;
};

OrderedReader::OrderedReader(Fetcher& fetcher, ReadSource source, CallContext context)
    : fetcher_(fetcher),
      source_(std::move(source)),
      outer_stop_(context.stop, [this] { stop_.request_stop(); }),
      context_{.deadline = context.deadline, .stop = stop_.get_token()},
      sink_(std::make_unique<Sink>()) {
  runner_ = std::thread([this] {
    auto planned = [this]() -> Result<std::optional<PlannedRead>> {
      HR_TRY_ASSIGN(std::optional<PlannedRead> read, source_());
      if (read) sink_->OnPlanned(read->range);
      return read;
    };
    sink_->OnRunEnd(fetcher_.Run(std::move(planned), *sink_, context_));
  });
}

OrderedReader::~OrderedReader() {
  stop_.request_stop();
  sink_->Abandon();
  runner_.join();
}

Result<std::optional<Part>> OrderedReader::Next() { return sink_->Next(); }

}  // namespace headrace::fetch
