// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/json_line.h"

#include <nlohmann/json.hpp>

namespace headrace::cli {

std::string JsonString(std::string_view text) {
  constexpr int kNoIndent = -1;
  return nlohmann::json(text).dump(kNoIndent, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonLine& JsonLine::Add(std::string_view name, std::string_view value) {
  return AddRaw(name, JsonString(value));
}

JsonLine& JsonLine::Add(std::string_view name, uint64_t value) {
  return AddRaw(name, std::to_string(value));
}

JsonLine& JsonLine::AddRaw(std::string_view name, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_ += JsonString(name);
  text_ += ':';
  text_ += json;
  return *this;
}

}  // namespace headrace::cli
