// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/s3_uri.h"

namespace headrace::plan {

// What one attribute of an augmented manifest's line stands for: an object where the attribute's
// name ends in "-ref", otherwise the value itself.
struct AttributeValue {
  std::optional<S3Uri> object;
  // What is delivered where there is no object: a JSON string's own characters, any other value as
  // it stands in the line ("17", "[1, 0]", "true", "null").
  std::string text;
  std::string json;  // As it stands in the line, object or not.
};

// Reads lines of an AugmentedManifestFile: one JSON object each, of which the attributes with the
// given names count, in the order of the names.
//   {"source-ref": "s3://bucket/1.jpg", "class": 0, "unused": {}}
//
// Threads: one at a time. Memory: what simdjson needs for the longest line so far.
class AugmentedLineParser {
 public:
  explicit AugmentedLineParser(std::vector<std::string> attribute_names);
  ~AugmentedLineParser();
  AugmentedLineParser(AugmentedLineParser&&) noexcept;
  AugmentedLineParser& operator=(AugmentedLineParser&&) noexcept;

  const std::vector<std::string>& attribute_names() const { return names_; }

  // The values of `line`, one for each name. kInvalidArgument, without the line's number, which
  // only the caller knows: not JSON (with the column, and the near misses of users), no object, a
  // name that is not there or there twice, a reference that is not the S3 URI of an object.
  Result<std::vector<AttributeValue>> Parse(std::string_view line);

 private:
  struct Buffers;

  std::vector<std::string> names_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace headrace::plan
