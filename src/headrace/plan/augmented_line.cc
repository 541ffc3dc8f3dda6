// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/augmented_line.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "headrace/base/text.h"
#include "headrace/plan/json_text.h"

namespace headrace::plan {
namespace {

namespace od = simdjson::ondemand;

constexpr std::string_view kReferenceSuffix = "-ref";
constexpr std::string_view kBlank = " \t\r\n";

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

// Finds where text stops being JSON: the on-demand reader below checks only what it reads.
class JsonChecker : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }
  // Of the offending character, counted from 1.
  size_t position() const { return position_; }

 private:
  size_t position_ = 0;
};

Status CheckJson(std::string_view line) {
  JsonChecker checker;
  if (nlohmann::json::sax_parse(line, &checker)) return Ok();
  const size_t column = std::clamp<size_t>(checker.position(), 1, line.size());
  return Refuse(fmt::format("column {}: not JSON{}", column, LikelyJsonMistake(line, column - 1)));
}

simdjson::error_code ReadValue(od::value read, AttributeValue& value) {
  od::json_type type{};
  std::string_view json = read.raw_json_token();  // With the blanks behind it.
  if (const auto failure = read.type().get(type)) return failure;
  if (type == od::json_type::string) {
    std::string_view text;
    if (const auto failure = read.get_string().get(text)) return failure;
    value.text = text;
  } else if (type == od::json_type::array) {
    od::array array;
    if (const auto failure = read.get_array().get(array)) return failure;
    if (const auto failure = array.raw_json().get(json)) return failure;
  } else if (type == od::json_type::object) {
    od::object object;
    if (const auto failure = read.get_object().get(object)) return failure;
    if (const auto failure = object.raw_json().get(json)) return failure;
  }
  value.json = Trim(json, kBlank);
  if (type != od::json_type::string) value.text = value.json;
  return simdjson::SUCCESS;
}

Result<S3Uri> ObjectOf(const std::string& name, const AttributeValue& value) {
  // The value itself is not shown: it is whatever the line holds.
  auto uri = ParseS3Uri(value.text);
  if (value.json.starts_with('"') && uri && !uri->key.empty() && !uri->key.ends_with('/')) {
    return uri;
  }
  return Refuse(
      fmt::format("attribute '{}' must be the URI of an object, \"s3://BUCKET/KEY\"", name));
}

}  // namespace

struct AugmentedLineParser::Buffers {
  od::parser parser;
  std::string padded;

  // The line's values under `names`, in that order; nothing where a name is not there.
  Result<std::vector<std::optional<AttributeValue>>> Read(std::string_view line,
                                                          const std::vector<std::string>& names);
};

AugmentedLineParser::AugmentedLineParser(std::vector<std::string> attribute_names)
    : names_(std::move(attribute_names)), buffers_(std::make_unique<Buffers>()) {}
AugmentedLineParser::~AugmentedLineParser() = default;
AugmentedLineParser::AugmentedLineParser(AugmentedLineParser&&) noexcept = default;
AugmentedLineParser& AugmentedLineParser::operator=(AugmentedLineParser&&) noexcept = default;

Result<std::vector<std::optional<AttributeValue>>> AugmentedLineParser::Buffers::Read(
    std::string_view line, const std::vector<std::string>& names) {
  padded.reserve(line.size() + simdjson::SIMDJSON_PADDING);
  padded.assign(line);
  const simdjson::padded_string_view view(padded.data(), padded.size(), padded.capacity());
  // CheckJson has seen the line: what fails here is a line that simdjson alone refuses.
  const auto unreadable = [] { return Refuse("the line cannot be read"); };
  od::document document;
  od::object object;
  if (parser.iterate(view).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return unreadable();
  }
  std::vector<std::optional<AttributeValue>> values(names.size());
  for (auto item : object) {
    od::field field;
    std::string_view key;
    if (std::move(item).get(field) != simdjson::SUCCESS ||
        field.unescaped_key().get(key) != simdjson::SUCCESS) {
      return unreadable();
    }
    const auto name = std::ranges::find(names, key);
    if (name == names.end()) continue;
    AttributeValue value;
    if (ReadValue(field.value(), value) != simdjson::SUCCESS) return unreadable();
    // A name may be asked for twice.
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] != *name) continue;
      if (values[i]) return Refuse(fmt::format("attribute '{}' is there twice", *name));
      values[i] = value;
    }
  }
  return values;
}

Result<std::vector<AttributeValue>> AugmentedLineParser::Parse(std::string_view line) {
  if (IsUtf16(line)) return Refuse("it is UTF-16; save it as UTF-8");
  const size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return Refuse("the line is empty");
  if (line[first] == '[') {
    return Refuse(
        "it begins with an array, not an object; a manifest that is one JSON array needs "
        "data-type=ManifestFile");
  }
  HR_TRY(CheckJson(line));
  if (line[first] != '{') return Refuse("the line is no JSON object");
  HR_TRY_ASSIGN(auto found, buffers_->Read(line, names_));
  std::vector<AttributeValue> values;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (!found[i]) {
      return Refuse(
          fmt::format("attribute '{}' is not there; names are case-sensitive", names_[i]));
    }
    AttributeValue& value = values.emplace_back(std::move(*found[i]));
    if (!names_[i].ends_with(kReferenceSuffix)) continue;
    HR_TRY_ASSIGN(value.object, ObjectOf(names_[i], value));
    value.text.clear();
  }
  return values;
}

}  // namespace headrace::plan
