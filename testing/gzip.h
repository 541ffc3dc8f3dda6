// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "headrace/base/encoding.h"
#include "headrace/base/error.h"
#include "headrace/format/gzip_encoder.h"

namespace headrace::testing {

// `text` as one gzip member.
inline std::string Gzip(std::string_view text) {
  format::GzipEncoder encoder(6);
  std::string out(text.size() + 1000, '\0');
  const auto step = encoder.Encode(AsBytes(text), std::as_writable_bytes(std::span(out)), true);
  HR_CHECK(step.is_finished);
  out.resize(step.given_bytes);
  return out;
}

}  // namespace headrace::testing
