// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/pipe_feed.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/event_fd.h"
#include "headrace/base/log.h"
#include "headrace/deliver/pipe/epoch_stream.h"

namespace headrace::pipe {
namespace {

// A reader that is gone is told by EPIPE, not by a signal to this process.
void BlockBrokenPipeSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

Result<std::unique_ptr<PipeFeed>> PipeFeed::Start(PipeFeedOptions options, EpochSource epochs,
                                                  fetch::Fetcher& fetcher, OnFailure on_failure) {
  HR_TRY(RemoveStaleFifos(options.folder, options.channel));
  HR_TRY_ASSIGN(ReaderWatch watch, ReaderWatch::Make());
  HR_TRY_ASSIGN(UniqueFd stop_event, MakeEventFd());
  std::unique_ptr<PipeFeed> feed(new PipeFeed(std::move(options), std::move(epochs), fetcher,
                                              std::move(on_failure), std::move(watch),
                                              std::move(stop_event)));
  HR_TRY(feed->AddFifo());
  HR_TRY(feed->AddFifo());
  feed->thread_ = std::thread([raw = feed.get()] { raw->Run(); });
  pthread_setname_np(feed->thread_.native_handle(), "headrace-pipe");
  return feed;
}

PipeFeed::PipeFeed(PipeFeedOptions options, EpochSource epochs, fetch::Fetcher& fetcher,
                   OnFailure on_failure, ReaderWatch watch, UniqueFd stop_event)
    : options_(std::move(options)),
      epochs_(std::move(epochs)),
      fetcher_(fetcher),
      on_failure_(std::move(on_failure)),
      watch_(std::move(watch)),
      stop_event_(std::move(stop_event)) {}

PipeFeed::~PipeFeed() { Stop(); }

void PipeFeed::Stop() {
  if (!thread_.joinable()) return;
  stop_.request_stop();
  HR_CHECK(eventfd_write(stop_event_.get(), 1) == 0);
  thread_.join();
}

PipeReport PipeFeed::report() const {
  const MutexLock lock(mutex_);
  return report_;
}

std::optional<Error> PipeFeed::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

Status PipeFeed::AddFifo() {
  const std::string name = fmt::format("{}_{}", options_.channel, next_number_);
  HR_TRY_ASSIGN(Fifo fifo, Fifo::Make(options_.folder, name, watch_));
  fifos_.push_back({.fifo = std::move(fifo)});
  ++next_number_;
  return Ok();
}

void PipeFeed::Run() {
  BlockBrokenPipeSignal();
  const Status ended = RunEpochs();
  if (!ended && !stop_.stop_requested()) {
    {
      const MutexLock lock(mutex_);
      failure_ = ended.error();
    }
    on_failure_(ended.error());
    AwaitStop();
  }
  LeaveUnreadOut();
  fifos_.clear();
}

Status PipeFeed::RunEpochs() {
  for (uint64_t epoch = 0;; ++epoch) {
    const Wait waited = AwaitReader();
    if (waited == Wait::kStopped) return Ok();
    if (waited == Wait::kOpened) {
      HR_TRY_ASSIGN(const bool goes_on, ServeEpoch(epoch));
      if (!goes_on) return Ok();
    }
    LeaveUnreadOut();
    HR_TRY(MakeNextFifos());
    fifos_.erase(fifos_.begin());
  }
}

// The epoch after the next one is there before its reader can have finished the next. Perhaps
// nobody opens it: that it cannot be made is a failure when the current one would be the last there
// is.
Status PipeFeed::MakeNextFifos() {
  while (fifos_.size() < 3) {
    Status added = AddFifo();
    if (!added) return fifos_.size() > 1 ? Ok() : added;
  }
  return Ok();
}

void PipeFeed::TakeOpened() {
  for (const int number : watch_.TakeOpened()) {
    for (OpenFifo& open : fifos_) {
      const bool is_open = number == ReaderWatch::kMissed && open.fifo.has_reader();
      if (open.fifo.watch_number() == number || is_open) open.was_opened = true;
    }
  }
}

// Ending the current epoch instead would be a false end for a reader that opens the next one ahead.
void PipeFeed::SayWhatIsHeldUp() {
  const bool was_known = fifos_.back().was_opened;
  TakeOpened();
  const Fifo& current = fifos_.front().fifo;
  if (fifos_.size() < 2 || was_known || !fifos_.back().was_opened || !current.has_reader()) return;
  {
    const MutexLock lock(mutex_);
    if (++report_.epochs_held_up > 1) return;
  }
  Log(LogLevel::kWarning,
      "{} was opened while {} is open and full; it gets nothing before every process that has the "
      "other one open reads it or closes it, also workers forked meanwhile",
      fifos_.back().fifo.path(), current.path());
}

PipeFeed::Wait PipeFeed::AwaitReader() {
  while (true) {
    TakeOpened();
    if (fifos_.front().was_opened) return Wait::kOpened;
    if (fifos_.back().was_opened) return Wait::kPassedOver;
    std::array<pollfd, 2> polled{pollfd{.fd = stop_event_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = watch_.fd(), .events = POLLIN, .revents = 0}};
    poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0) return Wait::kStopped;
  }
}

Result<bool> PipeFeed::ServeEpoch(uint64_t epoch) {
  {
    const MutexLock lock(mutex_);
    ++report_.epochs_opened;
    report_.last_epoch = epoch;
    report_.last_epoch_items = 0;
  }
  Fifo& fifo = fifos_.front().fifo;
  if (!fifo.has_reader()) return true;  // Opened and closed: it wants none of it.
  fifo.Grow(options_.kernel_bytes);
  marks_.emplace(options_.kernel_bytes);
  // Of the epoch: what is on its way ends with it, not only with the job.
  std::stop_source ended;
  const std::stop_callback stopped(stop_.get_token(), [&ended] { ended.request_stop(); });
  const CallContext context{.deadline = Deadline(), .stop = ended.get_token()};
  EpochStream stream(fetcher_, epochs_(epoch, context), options_.framing, context);
  const SteadyTime begin = options_.clock->Now();
  Result<bool> served = WriteAll(fifo, stream);
  ended.request_stop();
  const MutexLock lock(mutex_);
  report_.open_span += options_.clock->Now() - begin;
  return served;
}

Result<bool> PipeFeed::WriteAll(Fifo& fifo, EpochStream& stream) {
  const FifoWait wait{.stop_fd = stop_event_.get(),
                      .watch_fd = watch_.fd(),
                      .on_opened = [this] { SayWhatIsHeldUp(); },
                      .clock = options_.clock};
  while (true) {
    const SteadyTime begin = options_.clock->Now();
    const Result<std::span<const iovec>> next = stream.Next();
    if (!next) {
      if (!stop_.stop_requested() && !fifo.has_reader()) return true;  // Nobody wants it any more.
      return std::unexpected(next.error());
    }
    const std::span<const iovec> pieces = *next;
    const SteadyTime end = options_.clock->Now();
    const bool ran_dry = fifo.unread_bytes() == 0;
    uint64_t written_bytes = 0;
    std::chrono::nanoseconds waited{};
    auto outcome = Fifo::Outcome::kWritten;
    if (!pieces.empty()) {
      HR_TRY_ASSIGN(outcome, fifo.Write(pieces, wait, written_bytes, waited));
    }
    const bool is_written = outcome == Fifo::Outcome::kWritten;
    marks_->AddBytes(written_bytes);
    if (is_written) marks_->EndItems(stream.items_given());
    {
      const MutexLock lock(mutex_);
      if (ran_dry) report_.reader_waited += end - begin;
      report_.waited_for_reader += waited;
      report_.bytes += written_bytes;
      if (is_written) {
        report_.items += stream.items_given() - report_.last_epoch_items;
        report_.last_epoch_items = stream.items_given();
        if (pieces.empty()) ++report_.epochs_complete;
      }
    }
    if (pieces.empty()) {
      marks_.reset();
      return true;
    }
    if (!is_written) return outcome == Fifo::Outcome::kReaderGone;
  }
}

// Of an epoch that did not come to its end.
void PipeFeed::LeaveUnreadOut() {
  if (!marks_) return;
  const uint64_t unread_bytes = fifos_.front().fifo.unread_bytes();
  const uint64_t unread_items = marks_->items_written() - marks_->ItemsRead(unread_bytes);
  marks_.reset();
  const MutexLock lock(mutex_);
  report_.bytes -= std::min(unread_bytes, report_.bytes);
  report_.items -= unread_items;
  report_.last_epoch_items -= unread_items;
}

void PipeFeed::AwaitStop() const {
  pollfd polled{.fd = stop_event_.get(), .events = POLLIN, .revents = 0};
  while (poll(&polled, 1, -1) < 0) {
  }
}

}  // namespace headrace::pipe
