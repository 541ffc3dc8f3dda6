// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"
#include "headrace/deliver/pipe/reader_watch.h"

namespace headrace::pipe {

// What a FIFO is called, behind its own name and a dot, until it can be read.
inline constexpr std::string_view kUnreadySuffix = ".headrace-pipe";

// What is heard while a write waits for its reader.
struct FifoWait {
  int stop_fd = -1;   // Ends the write by becoming readable.
  int watch_fd = -1;  // Readable: `on_opened` is called, which makes it unreadable.
  std::function<void()> on_opened;
  const Clock* clock = &RealClock();
};

// The write end of a FIFO on disk. It is open before the FIFO has its name, so a reader finds a
// writer whenever it comes: a blocking open(2) returns at once and a read without blocking says
// EAGAIN, never a false end of file. Destruction closes it, which is the reader's end of file, and
// removes it from disk, but not what somebody put in its place.
// Threads: one at a time.
class Fifo {
 public:
  enum class Outcome : uint8_t { kWritten, kReaderGone, kStopped };

  // Makes the FIFO `folder`/`name`. kAlreadyExists, naming it, for something with that name.
  static Result<Fifo> Make(const std::string& folder, const std::string& name, ReaderWatch& watch);
  Fifo(Fifo&& other) noexcept = default;
  Fifo& operator=(Fifo&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(write_end_, other.write_end_);
    std::swap(watch_number_, other.watch_number_);
    return *this;
  }
  ~Fifo();

  const std::string& path() const { return path_; }
  // What the watch calls it.
  int watch_number() const { return watch_number_; }
  bool has_reader() const;
  // What was written and not read, also after the reader has left.
  uint64_t unread_bytes() const;
  // Lets so many bytes wait in the kernel, where this user may still have them.
  void Grow(size_t size_bytes);
  // Writes all of it, waiting for the reader as long as it takes. Adds the bytes that were written
  // to `written_bytes` and the time it waited to `waited`. SIGPIPE must be blocked or ignored in
  // the calling thread.
  Result<Outcome> Write(std::span<const iovec> pieces, const FifoWait& wait,
                        uint64_t& written_bytes, std::chrono::nanoseconds& waited);

 private:
  Fifo(std::string path, UniqueFd write_end, int watch_number)
      : path_(std::move(path)), write_end_(std::move(write_end)), watch_number_(watch_number) {}

  std::string path_;
  UniqueFd write_end_;
  int watch_number_ = -1;
};

// Removes what an earlier process left of the channel's FIFOs: `channel`_0, `channel`_1, ...
// kAlreadyExists, naming it, for something else with such a name.
Status RemoveStaleFifos(const std::string& folder, const std::string& channel);

}  // namespace headrace::pipe
