// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/parallel_lister.h"

#include <algorithm>
#include <deque>
#include <list>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/mutex.h"
#include "headrace/base/task.h"
#include "headrace/plan/key_split.h"
#include "headrace/plan/page_check.h"

namespace headrace::plan {
namespace {

// Ranges that turn out empty cost a request each. This many may do so at first, and then one for
// every two pages: bisecting the levels of a key takes about log2(key size) of them until the first
// useful split, and few later, because ranges pass on what is empty behind them.
constexpr size_t kEmptyRangesFree = 4;
constexpr size_t kPagesPerEmptyRange = 2;

// Pages of the range that is delivered next which may wait even when keys_ahead_max is reached.
constexpr size_t kFrontPagesMax = 4;

// Keys after `begin` and not after `end`. Fields are the own task's while is_running, except those
// that say otherwise.
struct KeyRange {
  std::string begin;
  std::string end;  // Empty: no end. Only ever made smaller.
  std::string token;
  PageTrail trail;            // Of what the store gave, wanted or not.
  bool has_answered = false;  // Its first page has arrived.

  // Under the state's lock:
  bool is_running = true;
  bool is_done = false;
  std::deque<Listing> pages;
};
using RangeList = std::list<KeyRange>;
using RangeIterator = RangeList::iterator;

}  // namespace

class ParallelLister::State : public std::enable_shared_from_this<ParallelLister::State> {
 public:
  State(ObjectStore& store, EventLoops& loops, ListSource source, const ListOptions& options,
        Deadline deadline)
      : store_(store),
        loops_(loops),
        source_(std::move(source)),
        options_(options),
        context_{.deadline = deadline, .stop = stop_.get_token()} {
    HR_CHECK(options_.requests_in_flight_max > 0);
    HR_CHECK(options_.page_key_count > 0);
  }

  void Start() HR_EXCLUDES(mutex_) {
    RangeIterator range;
    {
      const MutexLock lock(mutex_);
      range = AddRange(ranges_.end(), {}, {});
    }
    Run(range);
  }

  void Stop() { stop_.request_stop(); }

  void WaitUntilIdle() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (running_count_ > 0) changed_.Wait(mutex_);
  }

  Result<std::optional<Listing>> NextPage() HR_EXCLUDES(mutex_);

 private:
  struct Answer {
    Listing page;        // The wanted objects.
    std::string first;   // Of the keys the store gave; empty: none.
    bool is_end = true;  // The range has no further page.
  };

  static Task<void> ListRange(std::shared_ptr<State> state, RangeIterator range);
  void Run(RangeIterator range) {
    SpawnDetached(loops_.Next(), ListRange(shared_from_this(), range));
  }
  ListRequest RequestFor(const KeyRange& range) const;
  static Result<Answer> Read(const ListRequest& request, KeyRange& range, const ListPage& page);
  bool Take(RangeIterator range, Result<Answer> answer) HR_EXCLUDES(mutex_);
  void Split(RangeIterator range, const Answer& answer, std::vector<RangeIterator>& added)
      HR_REQUIRES(mutex_);
  bool MayGoOn(RangeIterator range) const HR_REQUIRES(mutex_);
  RangeIterator AddRange(RangeIterator before, std::string begin, std::string end)
      HR_REQUIRES(mutex_);
  static bool IsWaiting(const KeyRange& range);
  RangeIterator Resume(RangeIterator range) HR_REQUIRES(mutex_);
  std::vector<RangeIterator> RangesToResume() HR_REQUIRES(mutex_);

  ObjectStore& store_;
  EventLoops& loops_;
  const ListSource source_;
  const ListOptions options_;
  std::stop_source stop_;
  const CallContext context_;

  Mutex mutex_;
  CondVar changed_;
  RangeList ranges_ HR_GUARDED_BY(mutex_);  // In key order, without a gap, the front not delivered.
  size_t running_count_ HR_GUARDED_BY(mutex_) = 0;
  size_t unanswered_count_ HR_GUARDED_BY(mutex_) = 0;  // Ranges without a first page.
  size_t empty_count_ HR_GUARDED_BY(mutex_) = 0;       // Ranges whose first page had no object.
  size_t page_count_ HR_GUARDED_BY(mutex_) = 0;
  size_t keys_ahead_ HR_GUARDED_BY(mutex_) = 0;  // In `pages` of all ranges.
  bool splits_ HR_GUARDED_BY(mutex_) = true;
  std::optional<Error> error_ HR_GUARDED_BY(mutex_);
};

Task<void> ParallelLister::State::ListRange(std::shared_ptr<State> state, RangeIterator range) {
  bool goes_on = true;
  while (goes_on) {
    const ListRequest request = state->RequestFor(*range);
    Result<ListPage> page = co_await state->store_.List(request, state->context_);
    Result<Answer> answer =
        page.has_value() ? Read(request, *range, *page) : std::unexpected(std::move(page).error());
    goes_on = state->Take(range, std::move(answer));
  }
}

ListRequest ParallelLister::State::RequestFor(const KeyRange& range) const {
  return {.bucket = source_.bucket,
          .prefix = source_.prefix,
          .start_after = range.begin,
          .continuation_token = range.token,
          .key_count_max = options_.page_key_count};
}

Result<ParallelLister::State::Answer> ParallelLister::State::Read(const ListRequest& request,
                                                                  KeyRange& range,
                                                                  const ListPage& page) {
  HR_TRY(CheckPage(request, page, range.trail));
  Answer answer;
  ListingBuilder wanted;
  for (const ObjectInfo& object : page.objects) {
    // A store that does not know start-after begins at the front: slower, not wrong.
    if (object.key <= range.begin) continue;
    if (!range.end.empty() && object.key > range.end) break;
    HR_TRY(wanted.Add(object));
  }
  HR_TRY_ASSIGN(answer.page, wanted.Finish());
  if (!page.objects.empty()) answer.first = page.objects.front().key;
  range.token = page.next_token;
  answer.is_end = range.token.empty() || (!range.end.empty() && range.trail.last >= range.end);
  return answer;
}

// Files the answer and starts what may be started; true: the task lists its range's next page.
bool ParallelLister::State::Take(RangeIterator range, Result<Answer> answer) {
  std::vector<RangeIterator> added;
  bool goes_on = false;
  const bool has_failed = !answer.has_value();
  {
    const MutexLock lock(mutex_);
    if (has_failed) {
      if (!error_) error_ = std::move(answer).error();
    } else {
      ++page_count_;
      if (!std::exchange(range->has_answered, true)) {
        --unanswered_count_;
        if (answer->page.empty()) ++empty_count_;
      }
      range->is_done = answer->is_end;
      // Such a store ignores start-after: every further range would be listed from the front.
      if (!answer->first.empty() && answer->first <= range->begin) splits_ = false;
      if (!answer->is_end && !answer->first.empty() && splits_) Split(range, *answer, added);
      if (!answer->page.empty()) {
        keys_ahead_ += answer->page.size();
        range->pages.push_back(std::move(answer->page));
      }
      goes_on = !range->is_done && !error_ && MayGoOn(range);
    }
    if (!goes_on) {
      range->is_running = false;
      --running_count_;
    }
    changed_.NotifyAll();
  }
  if (has_failed) Stop();
  for (const RangeIterator it : added) Run(it);
  return goes_on;
}

void ParallelLister::State::Split(RangeIterator range, const Answer& answer,
                                  std::vector<RangeIterator>& added) {
  const size_t empty_max = kEmptyRangesFree + page_count_ / kPagesPerEmptyRange;
  while (!error_ && running_count_ < options_.requests_in_flight_max &&
         keys_ahead_ < options_.keys_ahead_max && empty_count_ + unanswered_count_ < empty_max) {
    const ListedSpan span{.prefix = source_.prefix,
                          .begin = range->begin,
                          .first = answer.first,
                          .last = range->trail.last,
                          .end = range->end};
    std::optional<KeySplit> split = SplitKey(span);
    if (!split) return;
    added.push_back(AddRange(std::next(range), split->key, range->end));
    range->end = std::move(split->key);
    if (split->is_finest) return;
  }
}

bool ParallelLister::State::MayGoOn(RangeIterator range) const {
  if (keys_ahead_ < options_.keys_ahead_max) return true;
  return range == ranges_.begin() && range->pages.size() < kFrontPagesMax;
}

RangeIterator ParallelLister::State::AddRange(RangeIterator before, std::string begin,
                                              std::string end) {
  ++running_count_;
  ++unanswered_count_;
  return ranges_.insert(before, {.begin = std::move(begin), .end = std::move(end)});
}

bool ParallelLister::State::IsWaiting(const KeyRange& range) {
  return !range.is_running && !range.is_done;
}

RangeIterator ParallelLister::State::Resume(RangeIterator range) {
  range->is_running = true;
  ++running_count_;
  return range;
}

// Ranges that stopped because too many keys were ahead, now that there is room: those delivered
// first come first. The front is always listed on when it has nothing to deliver.
std::vector<RangeIterator> ParallelLister::State::RangesToResume() {
  std::vector<RangeIterator> resumed;
  const RangeIterator front = ranges_.begin();
  if (IsWaiting(*front) && front->pages.empty()) resumed.push_back(Resume(front));
  if (keys_ahead_ > options_.keys_ahead_max / 2) return resumed;
  for (RangeIterator it = front; it != ranges_.end(); ++it) {
    if (running_count_ >= options_.requests_in_flight_max) break;
    if (IsWaiting(*it)) resumed.push_back(Resume(it));
  }
  return resumed;
}

Result<std::optional<Listing>> ParallelLister::State::NextPage() {
  for (;;) {
    std::vector<RangeIterator> resumed;
    std::optional<Listing> page;
    {
      const MutexLock lock(mutex_);
      if (error_) return std::unexpected(*error_);
      while (!ranges_.empty() && ranges_.front().is_done && !ranges_.front().is_running &&
             ranges_.front().pages.empty()) {
        ranges_.pop_front();
      }
      if (ranges_.empty()) return std::nullopt;
      KeyRange& front = ranges_.front();
      if (!front.pages.empty()) {
        page = std::move(front.pages.front());
        front.pages.pop_front();
        keys_ahead_ -= page->size();
      }
      resumed = RangesToResume();
      if (!page && resumed.empty()) changed_.Wait(mutex_);
    }
    for (const RangeIterator range : resumed) Run(range);
    if (page) return page;
  }
}

ParallelLister::ParallelLister(ObjectStore& store, EventLoops& loops, ListSource source,
                               const ListOptions& options, const CallContext& context)
    : state_(std::make_shared<State>(store, loops, std::move(source), options, context.deadline)),
      on_stop_(context.stop, [state = state_] { state->Stop(); }) {
  state_->Start();
}

ParallelLister::~ParallelLister() {
  state_->Stop();
  state_->WaitUntilIdle();
}

Result<std::optional<Listing>> ParallelLister::NextPage() { return state_->NextPage(); }

}  // namespace headrace::plan
