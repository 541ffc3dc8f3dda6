// SPDX-License-Identifier: Apache-2.0
#pragma once

// toml++ without exceptions: an error is its parser's result. Where a table has no name ("[[=",
// "[.a]") an assertion of the parser would end the process; without assertions it refuses such a
// line as it does others. Included through this header alone: all of a program has to see it the
// same way.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>
