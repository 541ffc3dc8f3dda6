// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_message.h"

#include <algorithm>

#include <boost/beast/http/status.hpp>

#include "headrace/base/text.h"

namespace headrace::net {

bool HasToken(std::string_view field_value, std::string_view token) {
  while (!field_value.empty()) {
    const size_t comma = field_value.find(',');
    if (EqualIgnoringCase(Trim(field_value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    field_value.remove_prefix(comma + 1);
  }
  return false;
}

std::string_view ReasonPhrase(int status) {
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  if (known == boost::beast::http::status::unknown) return {};
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

void HttpHeaders::Set(std::string_view name, std::string value) {
  Remove(name);
  fields_.emplace_back(std::string(name), std::move(value));
}

void HttpHeaders::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return EqualIgnoringCase(field.first, name); });
}

std::optional<std::string_view> HttpHeaders::Find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.first.size() == name.size() && EqualIgnoringCase(field.first, name)) {
      return field.second;
    }
  }
  return std::nullopt;
}

}  // namespace headrace::net
