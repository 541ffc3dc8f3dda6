// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace headrace::format {

// Takes runs of a known length off a stream whose pieces may be cut anywhere.
class ByteGatherer {
 public:
  // The next `size_bytes` of the stream in one run, taken off the front of `input`; nothing while
  // they have not all arrived: `input` is then used up, and the call is repeated with more. The run
  // lies in `input` where it is whole there, else here; it is valid until the next call.
  std::optional<std::span<const std::byte>> Take(std::span<const std::byte>& input,
                                                 size_t size_bytes);

  // Passes over the next `size_bytes` of the stream; false while they have not all arrived: `input`
  // is then used up, and the call is repeated with more.
  bool Skip(std::span<const std::byte>& input, uint64_t size_bytes);

  // Bytes of an unfinished run.
  size_t carried_bytes() const { return is_given_ ? 0 : carried_.size(); }

 private:
  std::vector<std::byte> carried_;  // Grows with what arrives, never with what a header claims.
  bool is_given_ = false;           // What is carried was handed out.
  uint64_t skipped_bytes_ = 0;      // Of an unfinished Skip.
};

}  // namespace headrace::format
