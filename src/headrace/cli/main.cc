// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/cli/command.h"
#include "headrace/store/s3/s3_store.h"

namespace {

// A closed standard stream's number would be given to the next file or socket opened, and what is
// meant for the stream would go there. In its place comes one that only fails, as a closed one
// does.
void OccupyClosedStreams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one.
    (void)open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int argument_count, char** argument_values) {
  OccupyClosedStreams();
  const std::vector<std::string> arguments(argument_values + 1, argument_values + argument_count);
  headrace::cli::CommandWorld world;
  world.environment = headrace::Environment::OfProcess();
  world.version = HEADRACE_VERSION;
  world.stops_on_signals = true;
  world.open_store = [environment = world.environment](const headrace::s3::S3Settings& settings) {
    return headrace::s3::OpenS3Store(settings, environment, headrace::RealClock());
  };
  return static_cast<int>(headrace::cli::RunCommandLine(arguments, std::move(world)));
}
