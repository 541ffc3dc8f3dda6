// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/line_printer.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

// A pipe whose reader has not begun: writing into it soon blocks.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
    out_ = fdopen(ends_[1], "w");
  }
  ~Pipe() { close(ends_[0]); }

  std::FILE* out() { return out_; }
  void Close() { std::fclose(out_); }
  std::string ReadAll() const {
    std::string text;
    std::array<char, 65536> piece{};
    for (ssize_t got = 1; got > 0;) {
      got = read(ends_[0], piece.data(), piece.size());
      if (got > 0) text.append(piece.data(), static_cast<size_t>(got));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{};
  std::FILE* out_ = nullptr;
};

TEST(LinePrinter, AReaderThatDoesNotReadHoldsNobodyUp) {
  Pipe pipe;
  std::string expected;
  LinePrinter printer;
  // More than a pipe, a stream's buffer and the printer's own limit take.
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = "line " + std::to_string(i);
    expected += line + "\n";
    printer.Add(pipe.out(), line);
  }
  std::string read;
  std::thread reader([&] { read = pipe.ReadAll(); });
  printer.AwaitRoom({});
  printer.Finish();
  pipe.Close();
  reader.join();
  EXPECT_EQ(read, expected);
}

TEST(LinePrinter, AStopEndsTheWaitForRoom) {
  Pipe pipe;
  LinePrinter printer;
  for (int i = 0; i < 20'000; ++i) printer.Add(pipe.out(), "some line or other");
  std::stop_source stop;
  stop.request_stop();
  printer.AwaitRoom(stop.get_token());
  std::thread reader([&] { pipe.ReadAll(); });
  printer.Finish();
  pipe.Close();
  reader.join();
}

}  // namespace
}  // namespace headrace::cli
