// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/error.h"

namespace headrace::net {

// Header fields in the order they were added. Names compare without case.
class HttpHeaders {
 public:
  using Field = std::pair<std::string, std::string>;

  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // Replaces every field of that name by one.
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);
  // The first field of that name; nothing when there is none. Valid until the next change.
  std::optional<std::string_view> Find(std::string_view name) const;
  // The first field of that name, or nothing at all as an empty text.
  std::string_view Value(std::string_view name) const {
    return Find(name).value_or(std::string_view());
  }

  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

struct HttpRequestHead {
  std::string method;
  std::string target;  // As it travels: percent-encoded path and query.
  HttpHeaders headers;
};

struct HttpResponseHead {
  int status = 0;
  HttpHeaders headers;
};

// How a message's body ends.
struct HttpBodyFraming {
  bool is_chunked = false;
  std::optional<uint64_t> content_length;
};

// True when the comma-separated field value holds `token`, compared without case.
bool HasToken(std::string_view field_value, std::string_view token);
// "OK" for 200; empty for a status without a name.
std::string_view ReasonPhrase(int status);

}  // namespace headrace::net
