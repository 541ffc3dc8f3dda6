// SPDX-License-Identifier: Apache-2.0
// Must be reported by AddressSanitizer.
int main() {
  auto* const number = new int(1);
  delete number;
  return *static_cast<volatile int*>(number);
}
