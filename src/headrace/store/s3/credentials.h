// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::s3 {

struct Credentials {
  AccessKeys keys;
  std::optional<SystemTime> expires;  // Nothing: they do not expire.
  std::string source;  // "profile train (/home/x/.aws/credentials)", for messages; no secret in it.
};

// Where keys come from, each time they are needed anew.
// Threads: one call at a time, on any loop.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // kPermissionDenied: there are none; the message says where they were looked for.
  virtual Task<Result<Credentials>> Fetch(const CallContext& context) = 0;
};

}  // namespace headrace::s3
