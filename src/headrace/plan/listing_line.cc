// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include <fmt/format.h>

#include "headrace/base/time_text.h"
#include "headrace/plan/listing_file.h"

namespace headrace::plan {
namespace {

std::unexpected<Error> Corrupt(std::string what) {
  return Fail(ErrorCode::kCorrupt, std::move(what));
}

Result<std::string> TextMember(const simdjson::dom::object& object, std::string_view name) {
  const auto member = object[name];
  if (member.error() == simdjson::NO_SUCH_FIELD) return std::string();
  std::string_view text;
  if (member.is_null()) return std::string();
  if (member.get(text) != simdjson::SUCCESS) return Corrupt(fmt::format("'{}' is no text", name));
  return std::string(text);
}

}  // namespace

Result<ObjectInfo> ParseListingLine(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  const auto error = parser.parse(line.data(), line.size()).get(object);
  if (error != simdjson::SUCCESS) {
    return Corrupt(fmt::format("not a JSON object ({})", simdjson::error_message(error)));
  }
  ObjectInfo info;
  std::string_view key;
  if (object["key"].get(key) != simdjson::SUCCESS || key.empty()) {
    return Corrupt("'key' is missing or no text");
  }
  info.key = key;
  if (object["size_bytes"].get(info.size_bytes) != simdjson::SUCCESS) {
    return Corrupt("'size_bytes' is missing or no size");
  }
  HR_TRY_ASSIGN(info.etag, TextMember(object, "etag"));
  HR_TRY_ASSIGN(info.storage_class, TextMember(object, "storage_class"));
  HR_TRY_ASSIGN(const std::string modified, TextMember(object, "modified"));
  if (!modified.empty()) {
    const auto time = ParseIsoTime(modified);
    if (!time) return Corrupt("'modified' is no RFC 3339 time in UTC");
    info.modified = *time;
  }
  return info;
}

}  // namespace headrace::plan
