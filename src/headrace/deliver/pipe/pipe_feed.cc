// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/pipe_feed.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <array>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/event_fd.h"
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
    HoldAfterFailure();
  }
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
    // The epoch after the next one is there before its reader can have finished the next.
    HR_TRY(AddFifo());
    fifos_.erase(fifos_.begin());
  }
}

PipeFeed::Wait PipeFeed::AwaitReader() {
  while (true) {
    for (const int number : watch_.TakeOpened()) {
      for (OpenFifo& open : fifos_) {
        if (open.fifo.watch_number() == number) open.was_opened = true;
      }
    }
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
  // Of the epoch: what is on its way ends with it, not only with the job.
  std::stop_source ended;
  const std::stop_callback stopped(stop_.get_token(), [&ended] { ended.request_stop(); });
  const CallContext context{.deadline = Deadline(), .stop = ended.get_token()};
  EpochStream stream(fetcher_, epochs_(epoch, context), options_.framing, context);
  Result<bool> served = WriteAll(fifo, stream);
  ended.request_stop();
  return served;
}

Result<bool> PipeFeed::WriteAll(Fifo& fifo, EpochStream& stream) {
  while (true) {
    const SteadyTime begin = options_.clock->Now();
    const Result<std::span<const iovec>> next = stream.Next();
    if (!next) {
      if (!stop_.stop_requested() && !fifo.has_reader()) return true;  // Nobody wants it any more.
      return std::unexpected(next.error());
    }
    const std::span<const iovec> pieces = *next;
    const SteadyTime end = options_.clock->Now();
    uint64_t written_bytes = 0;
    std::chrono::nanoseconds waited{};
    auto outcome = Fifo::Outcome::kWritten;
    if (!pieces.empty()) {
      HR_TRY_ASSIGN(outcome,
                    fifo.Write(pieces, stop_event_.get(), *options_.clock, written_bytes, waited));
    }
    const bool is_written = outcome == Fifo::Outcome::kWritten;
    {
      const MutexLock lock(mutex_);
      report_.reader_waited += end - begin;
      report_.waited_for_reader += waited;
      report_.bytes += written_bytes;
      if (is_written) {
        report_.items += stream.items_given() - report_.last_epoch_items;
        report_.last_epoch_items = stream.items_given();
        if (pieces.empty()) ++report_.epochs_complete;
      }
    }
    if (pieces.empty()) return true;
    if (!is_written) return outcome == Fifo::Outcome::kReaderGone;
  }
}

void PipeFeed::HoldAfterFailure() const {
  pollfd polled{.fd = stop_event_.get(), .events = POLLIN, .revents = 0};
  poll(&polled, 1, static_cast<int>(options_.held_after_failure.count()));
}

}  // namespace headrace::pipe
