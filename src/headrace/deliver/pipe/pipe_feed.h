// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/unique_fd.h"
#include "headrace/deliver/pipe/fifo.h"
#include "headrace/deliver/pipe/item_marks.h"
#include "headrace/deliver/pipe/pipe_item.h"
#include "headrace/deliver/pipe/reader_watch.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::pipe {

class EpochStream;

struct PipeFeedOptions {
  std::string folder;   // Which the FIFOs go into; must exist.
  std::string channel;  // They are called `channel`_0, `channel`_1, ...
  PipeFraming framing;
  // What waits in the kernel for a reader: fewer switches between it and us. The most that a user
  // may ask for by default (fs.pipe-max-size).
  size_t kernel_bytes = 1U << 20U;
  const Clock* clock = &RealClock();
};

// What a feed has done.
struct PipeReport {
  uint64_t epochs_opened = 0;    // By a reader,
  uint64_t epochs_complete = 0;  // and written to their last byte.
  // Written whole: objects, or values of a manifest; bytes include frames. What was still unread
  // when an epoch ended before its last byte does not count.
  uint64_t items = 0;
  uint64_t bytes = 0;
  // From readers' opening of epochs to these epochs' ends.
  std::chrono::nanoseconds open_span{};
  // While a reader was there: it had read all there was and the next bytes had not come yet; we
  // waited for it to read.
  std::chrono::nanoseconds reader_waited{};
  std::chrono::nanoseconds waited_for_reader{};
  // Opened while the epoch before was open and full: they wait until it is read or closed.
  uint64_t epochs_held_up = 0;
  // The last epoch opened, and how many of its items count.
  uint64_t last_epoch = 0;
  uint64_t last_epoch_items = 0;
};

// One channel's pipes: a FIFO per epoch, the next one always there before the current one ends, for
// as many epochs as anybody opens. Nothing is fetched for an epoch that nobody has opened. An epoch
// is over when all is written or its reader has closed it; one that was passed over, its successor
// being open, is over too. After a failure the reader sees no end of file before Stop: it would
// take what it got for a whole epoch. See docs/decisions/0030.
//
// Threads: one of its own, which waits in poll(2), and one that plans while an epoch is read. All
// methods may be called at once from any thread. Lifetime: the fetcher outlives it.
class PipeFeed {
 public:
  // The items of the epoch with that number, counted from 0 in every run; the context ends what
  // it waits for.
  using EpochSource = std::function<ItemSource(uint64_t epoch, const CallContext& context)>;
  // Hears, once, why the channel cannot go on. Called on the feed's thread.
  using OnFailure = std::function<void(const Error&)>;

  // Makes the first two FIFOs, in place of what an earlier process left, and begins. Errors name
  // the path: kAlreadyExists for something else in the place of a FIFO.
  static Result<std::unique_ptr<PipeFeed>> Start(PipeFeedOptions options, EpochSource epochs,
                                                 fetch::Fetcher& fetcher, OnFailure on_failure);
  // As Stop.
  ~PipeFeed();
  PipeFeed(const PipeFeed&) = delete;
  PipeFeed& operator=(const PipeFeed&) = delete;

  // Ends what is under way and removes the FIFOs; returns once nothing of it is left.
  void Stop();
  PipeReport report() const HR_EXCLUDES(mutex_);
  // Why the channel ended before Stop; nothing: it did not.
  std::optional<Error> failure() const HR_EXCLUDES(mutex_);

 private:
  enum class Wait : uint8_t { kOpened, kPassedOver, kStopped };
  struct OpenFifo {
    Fifo fifo;
    bool was_opened = false;
  };

  PipeFeed(PipeFeedOptions options, EpochSource epochs, fetch::Fetcher& fetcher,
           OnFailure on_failure, ReaderWatch watch, UniqueFd stop_event);

  Status AddFifo();
  Status MakeNextFifos();
  void Run();
  Status RunEpochs();
  Wait AwaitReader();
  void TakeOpened();
  void SayWhatIsHeldUp();
  // Until its end, early or not; false: stopped.
  Result<bool> ServeEpoch(uint64_t epoch);
  Result<bool> WriteAll(Fifo& fifo, EpochStream& stream);
  void LeaveUnreadOut();
  void AwaitStop() const;

  const PipeFeedOptions options_;
  const EpochSource epochs_;
  fetch::Fetcher& fetcher_;
  const OnFailure on_failure_;
  // Used by the feed's thread once it runs.
  ReaderWatch watch_;
  std::vector<OpenFifo> fifos_;     // The current epoch's and, but for a failure, the next one's.
  std::optional<ItemMarks> marks_;  // Of the current epoch from its first byte to its last.
  uint64_t next_number_ = 0;        // Of the next FIFO to make.

  const UniqueFd stop_event_;
  std::stop_source stop_;
  mutable Mutex mutex_;
  PipeReport report_ HR_GUARDED_BY(mutex_);
  std::optional<Error> failure_ HR_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace headrace::pipe
