// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/cli/bench_run.h"
#include "headrace/fetch/ordered_reader.h"

namespace headrace::cli {
namespace {

// A number of 256 bits, most significant byte first.
using DigestSum = std::array<std::byte, 32>;

void AddTo(DigestSum& sum, std::span<const std::byte> digest) {
  unsigned carry = 0;
  for (size_t place = sum.size(); place-- > 0;) {
    carry += std::to_integer<unsigned>(sum[place]) + std::to_integer<unsigned>(digest[place]);
    sum[place] = static_cast<std::byte>(carry & 0xFFU);
    carry >>= 8U;
  }
}

// Sums reads that come one after the other.
class ReadSummer {
 public:
  explicit ReadSummer(const BenchReads& reads) : reads_(reads) {}

  void Add(const fetch::Part& part) {
    EndReadsBefore(part.read_index);
    bytes_digest_.Update(part.bytes.span());
  }
  std::string Finish() {
    EndReadsBefore(reads_.size());
    return HexEncode(sum_);
  }

 private:
  // A read without bytes gives no part.
  void EndReadsBefore(uint64_t read_index) {
    for (; current_ < read_index; ++current_) {
      const fetch::PlannedRead read = reads_.At(current_);
      const std::string text = fmt::format("{}\n{}\n", read.key, read.range.begin);
      const std::string of_bytes =
          std::exchange(bytes_digest_, RunningDigest(DigestKind::kSha256)).Finish();
      RunningDigest of_read(DigestKind::kSha256);
      of_read.Update(AsBytes(text));
      of_read.Update(AsBytes(of_bytes));
      const std::string digest = of_read.Finish();
      AddTo(sum_, AsBytes(digest));
    }
  }

  const BenchReads& reads_;
  uint64_t current_ = 0;
  RunningDigest bytes_digest_{DigestKind::kSha256};
  DigestSum sum_{};
};

}  // namespace

Result<std::string> DigestOfReads(const BenchWorld& world, const BenchReads& reads,
                                  const fetch::FetchOptions& options) {
  fetch::Fetcher fetcher(world.store, world.loops, options);
  fetch::OrderedReader reader(fetcher, reads.Source(), world.call);
  ReadSummer summer(reads);
  while (true) {
    HR_TRY_ASSIGN(const std::optional<fetch::Part> part, reader.Next());
    if (!part) return summer.Finish();
    summer.Add(*part);
  }
}

}  // namespace headrace::cli
