// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace headrace {

// One JSON object on one line, its members in the order they were added. Bytes that are not UTF-8
// become U+FFFD.
class JsonLine {
 public:
  JsonLine& Add(std::string_view name, std::string_view value);
  JsonLine& Add(std::string_view name, const char* value) {
    return Add(name, std::string_view(value));
  }
  JsonLine& Add(std::string_view name, uint64_t value);
  JsonLine& Add(std::string_view name, std::same_as<bool> auto value) {
    return AddRaw(name, value ? "true" : "false");
  }
  // `json` is a JSON value already.
  JsonLine& AddRaw(std::string_view name, std::string_view json);
  // Left out when empty.
  JsonLine& AddIfAny(std::string_view name, std::string_view value) {
    return value.empty() ? *this : Add(name, value);
  }

  // The object without a line end.
  std::string Text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

// `text` as a JSON string, quotes included.
std::string JsonString(std::string_view text);

}  // namespace headrace
