// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/channel_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace headrace::job {
namespace {

template <typename Choice, size_t N>
Status SetChoice(std::string_view option, std::string_view value,
                 const std::array<Choice, N>& choices, Choice& target) {
  std::vector<std::string_view> names;
  for (const Choice choice : choices) {
    if (NameOf(choice) == value) {
      target = choice;
      return Ok();
    }
    names.push_back(NameOf(choice));
  }
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is '{}', but must be one of {}", option,
                                                       value, fmt::join(names, ", ")));
}

Status SetSeed(std::string_view value, ChannelSpec& channel) {
  int64_t seed = 0;
  const char* end = value.data() + value.size();
  const auto [rest, failure] = std::from_chars(value.data(), end, seed);
  if (failure != std::errc() || rest != end) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("shuffle-seed is '{}', but must be a 64-bit integer", value));
  }
  channel.shuffle_seed = seed;
  return Ok();
}

void SetAttributes(std::string_view value, ChannelSpec& channel) {
  channel.attribute_names.clear();
  while (true) {
    const size_t comma = value.find(',');
    channel.attribute_names.emplace_back(value.substr(0, comma));
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

// Where the next ",word=" stands in `text` at or after `from`; npos: nowhere.
size_t NextOption(std::string_view text, size_t from) {
  for (size_t comma = text.find(',', from); comma != std::string_view::npos;
       comma = text.find(',', comma + 1)) {
    size_t end = comma + 1;
    while (end < text.size() && IsWordCharacter(text[end])) ++end;
    if (end > comma + 1 && end < text.size() && text[end] == '=') return comma;
  }
  return std::string_view::npos;
}

}  // namespace

Status SetChannelOption(std::string_view option, std::string_view value, ChannelSpec& channel) {
  using enum InputMode;
  using enum DataType;
  using enum Distribution;
  if (option == "mode") {
    return SetChoice(option, value, std::array{kFile, kFastFile, kPipe}, channel.mode);
  }
  if (option == "data-type") {
    return SetChoice(option, value, std::array{kS3Prefix, kManifestFile, kAugmentedManifestFile},
                     channel.data_type);
  }
  if (option == "distribution") {
    return SetChoice(option, value, std::array{kFullyReplicated, kShardedByS3Key},
                     channel.distribution);
  }
  if (option == "compression") {
    return SetChoice(option, value, std::array{Compression::kNone, Compression::kGzip},
                     channel.compression);
  }
  if (option == "record-wrapper") {
    return SetChoice(option, value, std::array{RecordWrapper::kNone, RecordWrapper::kRecordIo},
                     channel.record_wrapper);
  }
  if (option == "shuffle-seed") return SetSeed(value, channel);
  if (option == "content-type") {
    channel.content_type = value;
    return Ok();
  }
  if (option == "access") {
    if (value != "ro" && value != "rw") {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("access is '{}', but must be one of ro, rw", value));
    }
    channel.is_writable = value == "rw";
    return Ok();
  }
  if (option == "resume") {
    HR_TRY_ASSIGN(channel.resume, plan::ParseResumePoint(value));
    return Ok();
  }
  if (option == "attributes") {
    SetAttributes(value, channel);
    return Ok();
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is no option of a channel; there are {}", option, kChannelOptionNames));
}

Result<ChannelSpec> ParseChannel(std::string_view text) {
  HR_TRY_ASSIGN(auto pair, ParsePair("--channel", text));
  ChannelSpec channel;
  channel.name = std::move(pair.first);
  const std::string_view rest = pair.second;
  size_t comma = NextOption(rest, 0);
  std::vector<std::string_view> seen;
  channel.s3_uri = rest.substr(0, comma);
  while (comma != std::string_view::npos) {
    const size_t next = NextOption(rest, comma + 1);
    const std::string_view option = rest.substr(comma + 1, next - comma - 1);
    const size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (std::ranges::find(seen, name) != seen.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("channel {}: {} is given twice", channel.name, name));
    }
    seen.push_back(name);
    HR_TRY(While("channel " + channel.name,
                 SetChannelOption(name, option.substr(equals + 1), channel)));
    comma = next;
  }
  return channel;
}

Result<std::pair<std::string, std::string>> ParsePair(std::string_view flag,
                                                      std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}' is not of the form NAME=VALUE", flag, text));
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace headrace::job
