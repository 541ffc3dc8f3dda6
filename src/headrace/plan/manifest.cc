// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/manifest.h"

#include <simdjson.h>

#include <algorithm>

#include <fmt/format.h>

#include "headrace/plan/json_text.h"
#include "headrace/store/s3_uri.h"

namespace headrace::plan {
namespace {

namespace od = simdjson::ondemand;

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  // Calls `on_prefix` and `on_name` with each element.
  template <typename OnPrefix, typename OnName>
  Status Parse(OnPrefix on_prefix, OnName on_name) {
    const simdjson::padded_string_view padded(text_.data(), text_.size(), text_.capacity());
    // Until there is a document, it has no position to ask for.
    if (const auto failure = parser_.iterate(padded).get(document_)) return Unreadable(failure);
    od::array elements;
    if (document_.get_array().get(elements) != simdjson::SUCCESS) {
      return NotJson("an array is expected");
    }
    bool is_first = true;
    for (auto element : elements) {
      od::value value;
      if (std::move(element).get(value) != simdjson::SUCCESS) {
        return NotJson("an entry cannot be read");
      }
      std::string_view text;
      const auto read =
          is_first ? value["prefix"].get_string().get(text) : value.get_string().get(text);
      if (read != simdjson::SUCCESS) {
        if (is_first) return NoPrefix();
        if (read == simdjson::INCORRECT_TYPE && BeginsValue(Position())) return EntryIsNoText();
        return NotJson("an entry cannot be read");
      }
      if (is_first) {
        HR_TRY(on_prefix(text));
      } else {
        HR_TRY(on_name(text));
      }
      is_first = false;
    }
    // simdjson has no place to name once all was read.
    const char* rest = nullptr;
    if (document_.current_location().get(rest) == simdjson::SUCCESS) {
      return NotJson("something follows the array");
    }
    if (is_first) return NoPrefix();
    return Ok();
  }

 private:
  size_t Position() {
    const char* place = nullptr;
    if (document_.current_location().get(place) != simdjson::SUCCESS) return text_.size();
    return static_cast<size_t>(place - text_.data());
  }
  // Whether a JSON value stands there, right or not: else the text is no JSON.
  bool BeginsValue(size_t position) const {
    constexpr std::string_view kStarts = "\"{[-0123456789tfn";
    return position < text_.size() && kStarts.contains(text_[position]);
  }
  // The line that `position` is in, counted from 1.
  static size_t LineOf(std::string_view text, size_t position) {
    return 1 + static_cast<size_t>(std::ranges::count(text.substr(0, position), '\n'));
  }
  std::unexpected<Error> NotJson(std::string_view what) {
    const size_t position = Position();
    return Refuse(fmt::format("line {}: not JSON: {}{}", LineOf(text_, position), what,
                              LikelyJsonMistake(text_, position)));
  }
  std::unexpected<Error> NoPrefix() const {
    return Refuse(fmt::format("the first element must be {{\"prefix\": \"s3://BUCKET/PREFIX\"}}{}",
                              LikelyJsonMistake(text_, 0)));
  }
  // Of a text that no parser gets into.
  std::unexpected<Error> Unreadable(simdjson::error_code failure) const {
    const auto fault = FindJsonTextFault(text_);
    if (!fault) return Refuse(fmt::format("not JSON: {}", simdjson::error_message(failure)));
    return Refuse(fmt::format("line {}: not JSON: {}{}", LineOf(text_, fault->position),
                              fault->what, LikelyJsonMistake(text_, fault->position)));
  }
  std::unexpected<Error> EntryIsNoText() {
    return Refuse(fmt::format("line {}: an entry is no text", LineOf(text_, Position())));
  }

  const std::string& text_;
  od::parser parser_;
  od::document document_;
};

}  // namespace

std::string Manifest::KeyAt(size_t index) const {
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  return prefix_ + names_.substr(begin, ends_[index] - begin);
}

Result<Manifest> ParseManifest(std::string json) {
  if (IsUtf16(json)) return Refuse("it is UTF-16; save it as UTF-8");
  if (json.starts_with(kUtf8Mark)) json.erase(0, kUtf8Mark.size());
  const size_t first = json.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return Refuse("it is empty");
  if (json[first] == '{') {
    return Refuse(
        "it begins with an object, not an array; a file of JSON lines needs "
        "data-type=AugmentedManifestFile");
  }
  json.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  Manifest manifest;
  const auto on_prefix = [&manifest](std::string_view prefix) -> Status {
    HR_TRY_ASSIGN(S3Uri uri, While("prefix", ParseS3Uri(prefix)));
    manifest.bucket_ = std::move(uri.bucket);
    manifest.prefix_ = std::move(uri.key);
    return Ok();
  };
  const auto on_name = [&manifest](std::string_view name) -> Status {
    manifest.names_ += name;
    manifest.ends_.push_back(manifest.names_.size());
    return Ok();
  };
  HR_TRY(Parser(json).Parse(on_prefix, on_name));
  if (manifest.size() == 0) return Refuse("it names no object after its prefix");
  return manifest;
}

}  // namespace headrace::plan
