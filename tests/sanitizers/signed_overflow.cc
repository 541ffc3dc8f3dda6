// SPDX-License-Identifier: Apache-2.0
// Must be reported by UndefinedBehaviorSanitizer.
#include <limits>

int main(int argument_count, char** /*arguments*/) {
  return std::numeric_limits<int>::max() + argument_count > 0 ? 0 : 1;
}
