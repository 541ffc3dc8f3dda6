// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace headrace {

// A std::unique_ptr's deleter for what a C library frees by a function of its own:
// std::unique_ptr<BIO, Freed<BIO_free>>.
template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

}  // namespace headrace
