// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/attribute_options.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/text.h"

namespace headrace::cli {
namespace {

using Metadata = std::map<std::string, std::string>;

Result<Metadata> ParseJsonMetadata(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "--metadata: not a JSON object");
  }
  Metadata metadata;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--metadata: the value of '{}' is not a text", name));
    }
    metadata[LowerCase(name)] = value.get<std::string>();
  }
  return metadata;
}

// Each attribute beside the metadata, with the option that sets it.
struct NamedAttribute {
  const char* option;
  const char* help;
  std::string ObjectAttributes::* value;
};
constexpr NamedAttribute kAttributes[] = {
    {"--storage-class", "Storage class of the new objects (STANDARD_IA, GLACIER, ...)",
     &ObjectAttributes::storage_class},
    {"--content-type", "Content-Type of the new objects", &ObjectAttributes::content_type},
    {"--content-encoding", "Content-Encoding of the new objects",
     &ObjectAttributes::content_encoding},
    {"--content-disposition", "Content-Disposition of the new objects",
     &ObjectAttributes::content_disposition},
    {"--content-language", "Content-Language of the new objects",
     &ObjectAttributes::content_language},
    {"--cache-control", "Cache-Control of the new objects", &ObjectAttributes::cache_control},
    {"--expires", "Expires header of the new objects", &ObjectAttributes::expires},
};

}  // namespace

Result<Metadata> ParseMetadata(std::string_view text) {
  if (text.starts_with('{')) return ParseJsonMetadata(text);
  Metadata metadata;
  std::string* last = nullptr;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view piece = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const size_t equals = piece.find('=');
    if (equals == 0 || (equals == std::string_view::npos && last == nullptr)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--metadata: '{}' is not NAME=VALUE", piece));
    }
    if (equals == std::string_view::npos) {
      *last += fmt::format(",{}", piece);
      continue;
    }
    last = &metadata[LowerCase(piece.substr(0, equals))];
    *last = piece.substr(equals + 1);
  }
  return metadata;
}

void AttributeOptions::Declare(CLI::App& app) {
  for (const NamedAttribute& attribute : kAttributes) {
    app.add_option(attribute.option, given.*attribute.value, attribute.help)->type_name("TEXT");
  }
  app.add_option("--metadata", metadata,
                 "User metadata of the new objects: NAME=VALUE[,NAME=VALUE...] or a JSON object")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

bool AttributeOptions::is_any_given() const {
  return given != ObjectAttributes{} || !metadata.empty();
}

Result<ObjectAttributes> AttributeOptions::Over(ObjectAttributes base) const {
  for (const NamedAttribute& attribute : kAttributes) {
    const std::string& value = given.*attribute.value;
    if (!value.empty()) base.*attribute.value = value;
  }
  // Metadata is one thing: what is given replaces what was there.
  if (!metadata.empty()) base.user_metadata.clear();
  for (const std::string& text : metadata) {
    HR_TRY_ASSIGN(Metadata parsed, ParseMetadata(text));
    base.user_metadata.merge(parsed);
  }
  return base;
}

}  // namespace headrace::cli
