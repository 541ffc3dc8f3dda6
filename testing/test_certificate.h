// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace headrace::testing {

// A certificate for 127.0.0.1 that is its own authority, as PEM text.
struct TestCertificate {
  std::string certificate;
  std::string key;

  // With a fresh P-256 key, valid from an hour ago for a day.
  static TestCertificate Make();
};

}  // namespace headrace::testing
