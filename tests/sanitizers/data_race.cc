// SPDX-License-Identifier: Apache-2.0
// Must be reported by ThreadSanitizer.
#include <thread>

int main() {
  int shared = 0;
  std::thread other([&shared] { ++shared; });
  ++shared;
  other.join();
  return 0;
}
