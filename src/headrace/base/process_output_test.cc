// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/process_output.h"

#include <chrono>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace {
namespace {

using testing::HasCode;
using testing::IsOk;

Result<std::string> OutputOf(const std::string& script, const ProcessLimits& limits = {}) {
  return ProcessOutput({"sh", "-c", script},
                       Environment(std::map<std::string, std::string>{{"PATH", "/bin:/usr/bin"}}),
                       limits);
}

TEST(ProcessOutput, GivesWhatAProgramPrintsOrThatItFailed) {
  EXPECT_EQ(OutputOf("echo one; echo two").value(), "one\ntwo\n");
  EXPECT_THAT(OutputOf("exit 3"), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(ProcessOutput({"no-such-program"}, Environment(), {}),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(OutputOf("yes"), HasCode(ErrorCode::kCorrupt));
}

TEST(ProcessOutput, EndsAtItsDeadlineAlsoWhereTheOutputWasClosedBefore) {
  for (const char* script : {"exec sleep 1000", "exec >&-; exec sleep 1000"}) {
    const ProcessLimits limits{.deadline = Deadline::After(std::chrono::milliseconds(50),
                                                           std::chrono::steady_clock::now())};
    EXPECT_THAT(OutputOf(script, limits), HasCode(ErrorCode::kTimedOut)) << script;
  }
}

TEST(ProcessOutput, EndsWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(OutputOf("exec sleep 1000", {.stop = stop.get_token()}),
              HasCode(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace headrace
