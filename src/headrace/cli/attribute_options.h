// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::cli {

// "name=value,name=value" or a JSON object of texts; a piece without '=' belongs to the value
// before it. Names become lower case. kInvalidArgument names the piece that is wrong. Pure.
Result<std::map<std::string, std::string>> ParseMetadata(std::string_view text);

// The options that say what an object is beside its bytes.
struct AttributeOptions {
  void Declare(CLI::App& app);

  // True when the user gave any of them.
  bool is_any_given() const;
  // What was given, laid over `base`.
  Result<ObjectAttributes> Over(ObjectAttributes base) const;

  ObjectAttributes given;
  std::vector<std::string> metadata;
};

}  // namespace headrace::cli
