// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/cli/command.h"
#include "headrace/store/s3/s3_store.h"

int main(int argument_count, char** argument_values) {
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
