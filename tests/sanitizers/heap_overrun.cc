// SPDX-License-Identifier: Apache-2.0
// Ends well when the checking heap ends it: one byte is written behind what was asked for, which
// the usual heap does not notice.
#include <csignal>
#include <cstddef>
#include <cstdlib>

int main() {
  std::signal(SIGABRT, [](int) { std::_Exit(EXIT_SUCCESS); });
  constexpr size_t kSize = 24;
  auto* const bytes = static_cast<volatile char*>(std::malloc(kSize));
  bytes[kSize] = 'x';
  std::free(const_cast<char*>(bytes));
  return EXIT_FAILURE;
}
