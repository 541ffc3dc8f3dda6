// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "headrace/base/error.h"

namespace headrace::format {

// Inflates a gzip file (RFC 1952) that arrives in pieces. A file may have several members, one
// after another, and zeros after the last (as tar and block devices leave them). Threads: one at a
// time. Memory: zlib's 48 KiB.
class GzipDecoder {
 public:
  struct Step {
    size_t taken_bytes = 0;  // Of the input.
    size_t given_bytes = 0;  // In the target.
  };

  GzipDecoder();
  ~GzipDecoder();
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  // Takes from `input` and gives into `target`, until one of them is used up; a filled target may
  // leave more to give, for which the call is repeated even when no input is left. kCorrupt for
  // what is not gzip and for a member that breaks its checksum or length, once everything before
  // the damage has been given: a call that ends with neither used up is repeated, to hear why.
  Result<Step> Decode(std::span<const std::byte> input, std::span<std::byte> target);

  // The file is over: kCorrupt when it ended inside a member, had none or is damaged.
  Status Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace::format
