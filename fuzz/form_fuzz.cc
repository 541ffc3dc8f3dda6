// SPDX-License-Identifier: Apache-2.0
// Form uploads: the multipart body, its fields and their policy.
#include <algorithm>
#include <cstring>
#include <string>

#include "fuzz/fuzz_input.h"
#include "headrace/base/encoding.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/gateway/form_body.h"
#include "headrace/gateway/post_policy.h"

namespace {

// Gives the bytes in pieces of one size.
class Pieces final : public headrace::ByteSource {
 public:
  Pieces(std::string_view text, size_t piece_size) : rest_(text), piece_size_(piece_size) {}
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }
  headrace::Task<headrace::Result<size_t>> Read(std::span<std::byte> target) override {
    const size_t count = std::min({target.size(), rest_.size(), piece_size_});
    std::memcpy(target.data(), rest_.data(), count);
    rest_.remove_prefix(count);
    co_return count;
  }

 private:
  std::string_view rest_;
  size_t piece_size_;
};

struct Outcome {
  bool has_fields = false;
  bool is_whole = false;
  headrace::gateway::FormFields fields;
  std::string file;
};

headrace::Task<Outcome> ReadForm(std::string_view input, size_t piece_size) {
  Pieces raw(input, piece_size);
  headrace::gateway::FormBody body(raw, "B");
  Outcome outcome;
  auto fields = co_await body.ReadFields();
  if (!fields) co_return outcome;
  outcome.has_fields = true;
  outcome.fields = std::move(*fields);
  std::string piece(100, '\0');
  while (true) {
    const auto room = std::as_writable_bytes(std::span(piece));
    const auto count = co_await body.Read(room);
    outcome.is_whole = count && *count == 0;
    if (!count || *count == 0) co_return outcome;
    outcome.file.append(piece, 0, *count);
  }
}

Outcome Run(std::string_view input, size_t piece_size) {
  static headrace::EventLoops loops(1);
  return headrace::RunBlocking(loops.At(0), ReadForm(input, piece_size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  const std::string_view input = headrace::fuzz::TextOf(bytes, size_bytes);
  const Outcome whole = Run(input, input.size() + 1);
  const Outcome pieces = Run(input, 3);
  HR_CHECK(whole.has_fields == pieces.has_fields && whole.is_whole == pieces.is_whole);
  HR_CHECK(whole.fields == pieces.fields);
  HR_CHECK(!whole.is_whole || whole.file == pieces.file);
  (void)headrace::gateway::FormBoundary(input);
  const std::string policy = headrace::Base64Encode(headrace::AsBytes(input));
  (void)headrace::gateway::CheckPostPolicy(policy, whole.fields, "bucket", {});
  return 0;
}
