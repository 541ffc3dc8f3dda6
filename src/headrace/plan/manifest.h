// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"

namespace headrace::plan {

// A ManifestFile of SageMaker: a JSON array whose first element is {"prefix": "s3://…"} and whose
// others are names, each appended as it stands to the prefix. Their order is the order of the data,
// and a name may come twice.
//   [{"prefix": "s3://bucket/some/prefix/"}, "a/part-1", "b/part-2"]
//
// Threads: const methods from any thread. Memory: the names and 8 bytes each.
class Manifest {
 public:
  const std::string& bucket() const { return bucket_; }
  // What every key begins with.
  const std::string& prefix() const { return prefix_; }
  size_t size() const { return ends_.size(); }
  // Precondition: index < size().
  std::string KeyAt(size_t index) const;

 private:
  friend Result<Manifest> ParseManifest(std::string json);

  std::string bucket_;
  std::string prefix_;
  std::string names_;
  std::vector<uint64_t> ends_;  // Of each name in names_.
};

// kInvalidArgument says what is wrong and in which line: not JSON (also the near misses users make:
// single quotes, a comma too many, UTF-16, JSON Lines), no prefix, an entry that is no text, no
// entry at all.
Result<Manifest> ParseManifest(std::string json);

}  // namespace headrace::plan
