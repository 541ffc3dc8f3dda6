// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/xxhash_sum.h"

#include <xxhash.h>

#include "headrace/base/error.h"

namespace headrace {

struct RunningXxhash::State {
  explicit State(XxhashKind chosen) : kind(chosen) {
    if (kind == XxhashKind::kXxh64) {
      old_state = XXH64_createState();
      HR_CHECK(old_state != nullptr && XXH64_reset(old_state, 0) == XXH_OK);
      return;
    }
    state = XXH3_createState();
    HR_CHECK(state != nullptr);
    HR_CHECK((kind == XxhashKind::kXxh3 ? XXH3_64bits_reset(state) : XXH3_128bits_reset(state)) ==
             XXH_OK);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    XXH64_freeState(old_state);
    XXH3_freeState(state);
  }

  XxhashKind kind;
  XXH64_state_t* old_state = nullptr;
  XXH3_state_t* state = nullptr;
};

RunningXxhash::RunningXxhash(XxhashKind kind) : state_(std::make_unique<State>(kind)) {}
RunningXxhash::~RunningXxhash() = default;
RunningXxhash::RunningXxhash(RunningXxhash&&) noexcept = default;
RunningXxhash& RunningXxhash::operator=(RunningXxhash&&) noexcept = default;

void RunningXxhash::Update(std::span<const std::byte> bytes) {
  switch (state_->kind) {
    case XxhashKind::kXxh64:
      HR_CHECK(XXH64_update(state_->old_state, bytes.data(), bytes.size()) == XXH_OK);
      break;
    case XxhashKind::kXxh3:
      HR_CHECK(XXH3_64bits_update(state_->state, bytes.data(), bytes.size()) == XXH_OK);
      break;
    case XxhashKind::kXxh128:
      HR_CHECK(XXH3_128bits_update(state_->state, bytes.data(), bytes.size()) == XXH_OK);
      break;
  }
}

std::string RunningXxhash::Finish() {
  if (state_->kind == XxhashKind::kXxh128) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->state));
    return {reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)};
  }
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, state_->kind == XxhashKind::kXxh64
                                          ? XXH64_digest(state_->old_state)
                                          : XXH3_64bits_digest(state_->state));
  return {reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)};
}

}  // namespace headrace
